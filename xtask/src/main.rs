//! Set-up, checks and chores.
fn main() {}
