//! Pages as a browser without scripts sees them: forms and links alone.

mod importing;
mod looks;
mod signing_in;
mod support;
mod walk;
