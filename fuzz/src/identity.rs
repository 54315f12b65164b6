//! `weft-identity`: what strangers' links go through.

/// An invitation: as text, as bytes, and its body as if the signature were right.
pub fn invitation(data: &[u8]) {
    weft_identity::fuzz_invitation(data);
}
