//! Inputs and outputs of aep-flow's workflows and activities.
