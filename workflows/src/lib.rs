//! Workflow code of aep-flow, out of reach of I/O.
