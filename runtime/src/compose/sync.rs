//! What [`bell`](super::bell) and [`durable`](super::durable) wait with: the standard library's and tokio's.
//!
//! `runtime/model` compiles these two files as they are beside a module of the same name, in which a model
//! checker stands in for all of it and tries every order of steps.

pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) use tokio::sync::{oneshot, watch};
