//! Use cases and the sequencer: the only place that joins the parts.
