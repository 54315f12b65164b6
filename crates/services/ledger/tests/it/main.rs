//! The ledger's service from outside.

mod corpus;
