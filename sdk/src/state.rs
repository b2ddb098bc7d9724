//! The plugin's own durable state: a map from keys to values, which are MessagePack inside.

use std::{borrow::Cow, collections::VecDeque, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::short_name,
    error::{Error, Result},
    host::{Host, Pages, Pair},
};

/// The plugin's state, from [`Context::state`](crate::Context::state). Writes are seen at once by this
/// attempt, and durable together with the event's completion.
///
/// Keys are text or bytes. A failed call here is a reject where no attempt could succeed, such as for a
/// value that is too large, and a retry otherwise.
pub struct State<'c> {
    pub(crate) host: &'c dyn Host,
}

impl<'c> State<'c> {
    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// If the stored value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        let key = key.as_ref();
        self.host.state_get(key)?.map(|value| read(key, &value)).transpose()
    }

    /// Gives `key` a value, replacing the one it had.
    ///
    /// # Errors
    /// If the key or the value is too large, or `value` cannot be written.
    pub fn set<T: Serialize + ?Sized>(&self, key: impl AsRef<[u8]>, value: &T) -> Result {
        let key = key.as_ref();
        let bytes = rmp_serde::to_vec_named(value).map_err(|error| {
            Error::reject(format_args!("state value of `{}` cannot be written: {error}", text(key)))
        })?;
        self.host.state_set(key, &bytes)
    }

    /// Takes the value of `key` away, if it has one.
    ///
    /// # Errors
    /// If the key is too large.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result {
        self.host.state_delete(key.as_ref())
    }

    /// All keys that begin with `prefix`, in ascending order. It depends on the plugin's whole state, so
    /// prefer [`State::get`] where the keys are known.
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
    /// If the prefix is too large.
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
    /// The key as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn key_text(&self) -> Cow<'_, str> {
        text(&self.key)
    }
}

/// The iterator of [`State::scan`].
pub struct Scan<'c, T> {
    /// Absent once the scan has ended or failed.
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
        Error::reject(format_args!("state value of `{}` is no {}: {error}", text(key), short_name::<T>()))
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
