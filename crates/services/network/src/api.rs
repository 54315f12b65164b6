//! The routes under `/api/v1/network`.

mod peers;
mod state;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weft_overlay::Overlay;

pub(crate) fn router(overlay: Overlay) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(state::status))
        .routes(routes!(state::relays))
        .routes(routes!(state::dht))
        .routes(routes!(peers::list))
        .routes(routes!(peers::one))
        .routes(routes!(peers::connect))
        .routes(routes!(peers::disconnect))
        .with_state(overlay)
}
