//! `querist session serve`: a page to label on, and a back end for Label Studio.
//!
//! A server of its own, on this machine unless told otherwise, for the pages that it serves itself. `guard` refuses
//! everybody else, `api` is what the page calls, `label_studio` what Label Studio calls, `page` the page.

mod answer;
mod api;
mod guard;
mod label_studio;
mod page;
mod shared;

use self::guard::Guard;
use self::shared::{Serving, Shared};
use crate::cli::error::CliError;
use crate::cli::{output, signals};
use crate::error::Result;
use crate::session::Session;
use axum::Router;
use axum::middleware;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often it is looked whether Ctrl-C was pressed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Serve a page to label on, or a back end for Label Studio, until Ctrl-C.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The session's folder.
    dir: PathBuf,
    /// Where to listen; port 0 takes a free one. Only this machine reaches the default; whoever else can reach another
    /// address can read what is sent, as it is not encrypted. The token in the page's address is another at every start.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7475")]
    listen: SocketAddr,
    /// Answer Label Studio's machine-learning calls (`/health`, `/setup`, `/predict`, `/webhook`) instead of serving the
    /// page. Label Studio sends no token: whoever reaches the address may call.
    #[arg(long)]
    label_studio: bool,
}

/// `querist session serve`.
pub fn serve(args: &ServeArgs) -> Result<()> {
    let session = Session::open(&args.dir)?;
    if args.label_studio {
        session.expect_classes("the back end for Label Studio")?;
    }
    session.expect_labels("the page to label on")?;
    let cancel = signals::catch()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let failed = |source| CliError::Listen { address: args.listen, source };
    runtime.map_err(failed)?.block_on(async {
        let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared: Shared = Arc::new(Serving::new(session));
        let app = match args.label_studio {
            true => {
                if !address.ip().is_loopback() {
                    output::message("warning: whoever reaches this address may read and answer");
                }
                output::data(&format!("http://{address}"))?;
                output::message("a back end for Label Studio: give it this address under Settings, Model");
                label_studio::routes(shared, Guard::open(address))
            }
            false => {
                let guard = Guard::with_token(address)?;
                output::data(&guard.url())?;
                output::message("open this address to label; Ctrl-C ends");
                routes(shared, guard)
            }
        };
        if !args.label_studio && !address.ip().is_loopback() {
            output::message(
                "warning: other machines can reach this address, and what is sent is not encrypted",
            );
        }
        let stopped = async move {
            while !cancel.raised() {
                tokio::time::sleep(PATIENCE).await;
            }
        };
        // A connection that a browser keeps open must not keep the program.
        tokio::select! {
            result = async { axum::serve(listener, app).await } => result.map_err(failed)?,
            () = stopped => {}
        }
        Ok(())
    })
}

fn routes(shared: Shared, guard: Guard) -> Router {
    let api = api::routes(shared);
    let app = Router::new().merge(page::routes()).nest("/api", api).fallback(answer::nowhere);
    app.layer(middleware::from_fn_with_state(Arc::new(guard), guard::check))
}
