//! Runs with nothing simulated but the platform: a Temporal server, workers as processes of
//! their own, HTTP, and the whole ingestion of one table.

mod case;
mod show;
mod worker;
mod world;

use std::{path::PathBuf, time::Duration};

use aep_flow_devserver::DevServer;
use aep_flow_ensure::crash::Point;
use aep_flow_testkit::server;
use futures::{StreamExt as _, stream};

use crate::{
    oracle::{Counts, Verdict},
    table::Table,
};

pub use case::{Case, draw, of_point};
pub use show::late_commit;
pub use worker::build_worker;

/// How much is done at once, and with what.
#[derive(Debug, Clone)]
pub struct Options {
    /// The worker's program, with debug assertions: only such a build dies where a variable says.
    pub worker: PathBuf,
    /// Runs at once.
    pub at_once: usize,
}

/// What all real runs share.
#[derive(Debug)]
pub struct Ground {
    server: DevServer,
    options: Options,
}

impl Ground {
    /// Starts the server; it ends with this.
    ///
    /// # Errors
    /// If there is none, or it does not start.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let server = server::start(|options| options.ready_within = Duration::from_secs(60));
        let server = server.await?;
        server.create_namespace(world::NAMESPACE).await?;
        Ok(Self { server, options })
    }

    /// Runs all of them, several at once, and gives each with its verdict as it ends.
    pub async fn run(&self, cases: Vec<Case>, mut each: impl FnMut(&Case, &Verdict)) {
        let runs = stream::iter(cases).map(async |case| {
            let verdict = match world::run(self, &case).await {
                Ok(verdict) => verdict,
                Err(error) => Verdict {
                    counts: Counts {
                        stuck: 1,
                        ..Counts::default()
                    },
                    reasons: vec![format!("{error:#}")],
                    ..Verdict::default()
                },
            };
            (case, verdict)
        });
        let mut runs = runs.buffer_unordered(self.options.at_once);
        while let Some((case, verdict)) = runs.next().await {
            each(&case, &verdict);
        }
    }

    /// Ends the server.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(self.server.stop().await?)
    }
}

/// Each point of [`Point::ALL`] `times` times, kinds in turn.
pub fn crash_matrix(times: u64) -> Vec<Case> {
    Point::ALL
        .into_iter()
        .flat_map(|point| (0..times).map(move |number| of_point(point, number)))
        .collect()
}

/// Counts what a run left, by what went wrong in it.
pub fn count(table: &mut Table, case: &Case, verdict: &Verdict) {
    table.count_as(format!("real {}", case.label()), verdict);
}
