//! The API, named to EPCIS 2.0 REST where that names it.

use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    Vec::new()
}
