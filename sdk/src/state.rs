//! The plugin's own durable state: a map from keys to values, stored as MessagePack.

use std::{borrow::Cow, collections::VecDeque, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::short_name,
    error::{Error, Result},
    host::{Host, Pages, Pair},
};

/// The plugin's state, from [`Context::state`](crate::Context::state). This attempt sees its own writes at
/// once. They become durable together with the event's completion.
///
/// Keys are text or bytes. A failed call is a reject if no attempt could succeed, such as for a value that is
/// too large. Otherwise it is a retry.
pub struct State<'c> {
    pub(crate) host: &'c dyn Host,
}

impl<'c> State<'c> {
    /// Returns the value of `key`, if it has one.
    ///
    /// # Errors
    /// If the key is empty or too long, or if the stored value cannot be decoded as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        let key = key.as_ref();
        self.host.state_get(key)?.map(|value| read(key, &value)).transpose()
    }

    /// Sets the value of `key` and replaces an earlier value.
    ///
    /// # Errors
    /// If the key is empty or too long, if the value is too large, or if `value` cannot be encoded.
    pub fn set<T: Serialize + ?Sized>(&self, key: impl AsRef<[u8]>, value: &T) -> Result {
        let key = key.as_ref();
        let bytes = rmp_serde::to_vec_named(value).map_err(|error| {
            Error::reject(format_args!("state value of `{}` cannot be encoded: {error}", text(key)))
        })?;
        self.host.state_set(key, &bytes)
    }

    /// Deletes the value of `key`, if it has one.
    ///
    /// # Errors
    /// If the key is empty or too long.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result {
        self.host.state_delete(key.as_ref())
    }

    /// Iterates over all keys that begin with `prefix`, in ascending order.
    ///
    /// A scan depends on all keys with the prefix, up to the last one that was fetched; keys are fetched in
    /// pages. If a parallel attempt sets or deletes one of them, this attempt may run again. Use
    /// [`State::get`] if you know the keys.
    ///
    /// ```
    /// use camshaft_sdk::{prelude::*, testing::TestContext};
    ///
    /// # fn main() -> Result {
    /// let ctx = TestContext::new();
    /// ctx.state().set("stock/b-7", &3)?;
    /// ctx.state().set("stock/c-1", &4)?;
    /// let mut sum = 0;
    /// for entry in ctx.state().scan::<u32>("stock/")? {
    ///     sum += entry?.value;
    /// }
    /// assert_eq!(sum, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the prefix is too long.
    pub fn scan<T: DeserializeOwned>(&self, prefix: impl AsRef<[u8]>) -> Result<Scan<'c, T>> {
        let pages = self.host.state_scan(prefix.as_ref())?;
        Ok(Scan { pages: Some(pages), page: VecDeque::new(), value: PhantomData })
    }
}

/// One key with its value, found by [`State::scan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// The whole key, prefix included.
    pub key: Vec<u8>,
    /// The value.
    pub value: T,
}

impl<T> Entry<T> {
    /// The key as text. Bytes that are not UTF-8 become replacement characters.
    #[must_use]
    pub fn key_text(&self) -> Cow<'_, str> {
        text(&self.key)
    }
}

/// The iterator of [`State::scan`].
pub struct Scan<'c, T> {
    /// None after the scan has ended or failed.
    pages: Option<Box<dyn Pages + 'c>>,
    page: VecDeque<Pair>,
    value: PhantomData<T>,
}

impl<T: DeserializeOwned> Iterator for Scan<'_, T> {
    type Item = Result<Entry<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() {
            match self.pages.as_mut()?.next_page() {
                Ok(page) => self.page = page.into(),
                Err(error) => {
                    self.pages = None;
                    return Some(Err(error));
                }
            }
        }
        let Some((key, value)) = self.page.pop_front() else {
            self.pages = None;
            return None;
        };
        Some(read(&key, &value).map(|value| Entry { key, value }))
    }
}

fn read<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T> {
    rmp_serde::from_slice(value).map_err(|error| {
        Error::reject(format_args!(
            "state value of `{}` cannot be decoded as {}: {error}",
            text(key),
            short_name::<T>()
        ))
    })
}

fn text(key: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Pages for Broken {
        fn next_page(&mut self) -> Result<Vec<Pair>> {
            Err(Error::retry("the state is away"))
        }
    }

    #[test]
    fn a_scan_that_fails_says_so_once() {
        let pages: Option<Box<dyn Pages>> = Some(Box::new(Broken));
        let mut scan: Scan<u64> = Scan { pages, page: VecDeque::new(), value: PhantomData };
        assert_eq!(scan.next().unwrap().unwrap_err().reason(), "the state is away");
        assert!(scan.next().is_none());
    }
}
