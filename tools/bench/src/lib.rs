//! Measures a pipeline of aep-flow beside a bare worker; see the programs in `src/bin`.
