//! The configuration: what there is to set, where it comes from, and how it is changed.
//!
//! Order: defaults < file < environment (`WEFT_SECTION__KEY`) < flags. Unknown keys are errors, with the nearest known
//! one named. Each service brings its own section's type; a section is one line in [`Config`].

mod edit;
mod error;
mod layers;
mod origin;
mod sections;

pub use edit::{get, set};
pub use error::{ConfigError, EditError};
pub(crate) use layers::default_of;
pub use layers::{Entry, Loaded, Sources};
pub use origin::Origin;
pub use sections::{ApiConfig, Coins, Config, IdentityConfig, LogConfig, LogFormat, Rate, ServicesConfig};
