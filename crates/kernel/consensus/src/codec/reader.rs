//! Reading bytes nobody vouches for.

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end too early.
    #[error("the bytes end too early")]
    Short,
    /// Something follows.
    #[error("something follows the item")]
    Trailing,
    /// Of a version this program does not know.
    #[error("of an unknown version: is one of the two nodes older?")]
    Version,
    /// Another kind of item, or of none.
    #[error("not the kind of item that is read here")]
    Kind,
    /// A field has a value that it cannot have.
    #[error("a field has an impossible value")]
    Value,
    /// A list longer than allowed, or more bytes than any item has.
    #[error("longer than allowed")]
    TooMany,
    /// A list is out of order.
    #[error("a list is out of order")]
    Order,
}

/// A cursor over bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// At the beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(DecodeError::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`DecodeError::Short`]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    /// The next four bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next eight bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`]
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`]
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }
}
