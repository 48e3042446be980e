//! What goes out to the network.
//!
//! [`http`] is the one HTTP client: bounded in time and size, HTTPS, without redirects. [`oidc`]
//! signs people in by an OpenID provider.

pub mod http;
pub mod oidc;
