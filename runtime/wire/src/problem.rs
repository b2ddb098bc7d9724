//! Problem documents (RFC 9457): the one form of every error that crosses HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem document.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error as it crosses HTTP. Further members may be added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:camshaft:error:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:camshaft:error:invalid-event")]
    pub urn: String,
    /// What happened, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// What to do, as a sentence.
    pub hint: String,
    /// Which item of a batch is at fault, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Which earlier item of the batch the one at fault contradicts, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_index: Option<usize>,
    /// Which attribute or parameter is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// Where the event stands that the refused one contradicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The first offset that is retained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The offset that the next event will have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// The limit that was exceeded, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}
