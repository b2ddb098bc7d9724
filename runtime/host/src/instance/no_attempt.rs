//! A context for instances that are only tried out: no event is ever handled with it.

use std::convert::Infallible;

use camshaft_event::{
    AttemptContext, EffectError, Generation, LogLevel, NewEvent, Offset, StatePage, Timestamp,
};

/// There is no value of it, so nothing can be handled with it; the compiler sees to that.
pub struct NoAttempt(Infallible);

impl AttemptContext for NoAttempt {
    fn attempt(&self) -> u32 {
        match self.0 {}
    }
    fn offset(&self) -> Offset {
        match self.0 {}
    }
    fn now(&self) -> Timestamp {
        match self.0 {}
    }
    fn consumer(&self) -> &str {
        match self.0 {}
    }
    fn generation(&self) -> Generation {
        match self.0 {}
    }
    fn hops(&self) -> u32 {
        match self.0 {}
    }
    fn random(&mut self, _: &mut [u8]) {
        match self.0 {}
    }
    fn config(&self, _: &str) -> Option<&str> {
        match self.0 {}
    }
    fn get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, EffectError> {
        match self.0 {}
    }
    fn set(&mut self, _: &[u8], _: &[u8]) -> Result<(), EffectError> {
        match self.0 {}
    }
    fn delete(&mut self, _: &[u8]) -> Result<(), EffectError> {
        match self.0 {}
    }
    fn scan_page(&mut self, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<StatePage, EffectError> {
        match self.0 {}
    }
    fn publish(&mut self, _: NewEvent) -> Result<(), EffectError> {
        match self.0 {}
    }
    fn schedule(&mut self, _: &str, _: NewEvent, _: Timestamp) -> Result<(), EffectError> {
        match self.0 {}
    }
    fn cancel(&mut self, _: &str) -> Result<(), EffectError> {
        match self.0 {}
    }
    fn log(&mut self, _: LogLevel, _: &str, _: &[(String, String)]) {
        match self.0 {}
    }
}
