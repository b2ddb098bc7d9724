//! The envelope of listings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A whole listing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
}
