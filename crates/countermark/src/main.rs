//! Command line, configuration and wiring.
fn main() {}
