//! Problem documents (RFC 9457): the format of every error over HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MismatchView, RefusedView};

/// Media type of a problem document.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error over HTTP. Later versions may add members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:camshaft:error:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:camshaft:error:invalid-event")]
    pub urn: String,
    /// Summary of the error, the same for every occurrence of its type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What failed in this request, and why.
    pub detail: String,
    /// What to do, as a sentence.
    pub hint: String,
    /// Index of the faulty item in a batch, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Index of the earlier item in the batch that conflicts with the faulty one, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_index: Option<usize>,
    /// Name of the faulty attribute or parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// Offset of the event in the log that conflicts with the refused one, or of the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The first retained offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The offset of the next event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// The limit that was exceeded, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Why a command was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusedView>,
    /// The scope with another version than a command expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<MismatchView>,
}
