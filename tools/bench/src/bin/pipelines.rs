//! Runs many one-table pipelines through aep-flow and through a bare worker, side by side, and
//! prints what each costs.
//!
//! All of a round work at the same time, against one server and one emulator, and get their
//! pipelines in turn: what slows the machine down, or the server as it fills, slows all of them
//! alike. CPU is the kernel's count for the worker's process alone; memory is its resident set.

use std::{
    collections::HashMap,
    process::Stdio,
    time::{Duration, Instant},
};

use aep_flow_devserver::DevServer;
use aep_flow_testkit::{emulated, places::program, server, world::plain};
use anyhow::{Context as _, bail};
use clap::Parser;
use futures::{StreamExt as _, stream};
use serde_json::json;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression, UntypedWorkflow,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::{
    enums::v1::{EventType, TaskQueueType},
    history::v1::HistoryEvent,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::DescribeTaskQueueRequest,
};
use tokio::process::{Child, Command};

/// Measures pipelines of one table.
#[derive(Debug, Parser)]
struct Options {
    /// Pipelines that are measured, for each worker.
    #[arg(long, default_value_t = 300)]
    pipelines: usize,
    /// Pipelines before that, which are not, for each worker.
    #[arg(long, default_value_t = 100)]
    warm_up: usize,
    /// Pipelines at once, over all workers.
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// Rounds; all workers take part in each.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Also aep-flow with tracing on, this share of traces sampled, sent to a sink in here.
    #[arg(long, value_name = "SHARE")]
    traced: Option<f64>,
}

const BARE: &str = "bare";
const PLAIN: &str = "aep-flow";
const TRACED: &str = "traced";

/// A worker process and how to give it work. Its name is also its task queue's.
struct Contender {
    name: &'static str,
    workflow: &'static str,
    process: Child,
    polls_after: Duration,
    /// Resident once it polled, before any work.
    idle_mib: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let sink = sink().await?;
    let share = options.traced.map(|share| share.to_string());
    let mut ratios = Ratios::default();
    for round in 0..options.rounds {
        let place = Place::make().await?;
        let mut contenders = vec![place.bare().await?, place.ours(PLAIN, &[]).await?];
        if let Some(share) = &share {
            let variables = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", share.as_str()),
            ];
            contenders.push(place.ours(TRACED, &variables).await?);
        }
        // Whoever comes last in each turn finds the longest queue.
        let turn = round % contenders.len();
        contenders.rotate_left(turn);
        ratios.add(&place.measure(contenders, &options).await?);
    }
    ratios.say();
    Ok(())
}

/// Ratios of CPU per pipeline, one of each round.
#[derive(Debug, Default)]
struct Ratios {
    over_bare: Vec<f64>,
    traced: Vec<f64>,
}

impl Ratios {
    fn add(&mut self, costs: &HashMap<&str, f64>) {
        let ratio = |one: &str, other: &str| Some(costs.get(one)? / costs.get(other)?);
        self.over_bare.extend(ratio(PLAIN, BARE));
        self.traced.extend(ratio(TRACED, PLAIN));
    }

    fn say(mut self) {
        for (what, ratios) in [
            ("aep-flow over bare", &mut self.over_bare),
            ("traced over not", &mut self.traced),
        ] {
            ratios.sort_by(f64::total_cmp);
            if let (Some(least), Some(most)) = (ratios.first(), ratios.last()) {
                let median = ratios[ratios.len() / 2];
                say(&format!(
                    "ratio of CPU per pipeline, {what}: median {median:.3}, {least:.3} to {most:.3}"
                ));
            }
        }
    }
}

async fn emulator() -> anyhow::Result<(Child, String)> {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut process = Command::new(program("aep-emulator"))
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = process
        .stdout
        .take()
        .context("the emulator has no stdout")?;
    let url = BufReader::new(stdout)
        .lines()
        .next_line()
        .await?
        .context("the emulator printed no address")?;
    Ok((process, url))
}

/// A collector that takes everything and keeps nothing.
async fn sink() -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = axum::Router::new().fallback(|_: axum::body::Bytes| async {});
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}"))
}

/// Where the workers of a round are measured.
struct Place {
    server: DevServer,
    client: Client,
    emulator: Child,
    platform: String,
}

impl Place {
    async fn make() -> anyhow::Result<Self> {
        let server = server::start(|_| ()).await?;
        let client = connect(&server.address()).await?;
        let (emulator, platform) = emulator().await?;
        Ok(Self {
            server,
            client,
            emulator,
            platform,
        })
    }

    async fn ours(&self, name: &'static str, more: &[(&str, &str)]) -> anyhow::Result<Contender> {
        let mut command = Command::new(program("aep-flow"));
        command
            .arg("worker")
            .envs(emulated::variables(&self.platform))
            .env("TEMPORAL_ADDRESS", self.server.address())
            .env("AEP_FLOW_WORKER_TASK_QUEUE", name)
            .env("AEP_FLOW_LOG_FILTER", "error")
            // As the bare worker: nobody else creates these names, so one look each is enough.
            .env("AEP_FLOW_ENSURE_SOLE_CALLER", "true")
            .env("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*")
            .env("OSC_PASSWORD", aep_emulator::DEFAULT_SOURCE_PASSWORD)
            .envs(more.iter().copied());
        Contender::start(&self.client, name, "IngestOracleServiceCloud", command).await
    }

    async fn bare(&self) -> anyhow::Result<Contender> {
        let mut command = Command::new(program("bare-worker"));
        command.args([&self.server.address(), &self.platform, BARE]);
        Contender::start(&self.client, BARE, "BareIngest", command).await
    }

    /// CPU per pipeline, in milliseconds, by the worker's name.
    async fn measure(
        mut self,
        contenders: Vec<Contender>,
        options: &Options,
    ) -> anyhow::Result<HashMap<&'static str, f64>> {
        run(
            &self.client,
            &contenders,
            "warm-up",
            options.warm_up,
            options.at_once,
        )
        .await?;
        let before = contenders
            .iter()
            .map(|each| cpu(each.pid()?))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let begun = Instant::now();
        run(
            &self.client,
            &contenders,
            "measured",
            options.pipelines,
            options.at_once,
        )
        .await?;
        let seconds = begun.elapsed().as_secs_f64();
        let mut costs = HashMap::new();
        for (mut contender, before) in contenders.into_iter().zip(before) {
            let used = cpu(contender.pid()?)?.saturating_sub(before);
            let cpu_ms = used.as_secs_f64() * 1000.0 / options.pipelines as f64;
            contender
                .tell(&self.client, cpu_ms, options.pipelines)
                .await?;
            costs.insert(contender.name, cpu_ms);
            end(&mut contender.process).await?;
        }
        say(&format!(
            "{} pipelines each, in {seconds:.1} s",
            options.pipelines
        ));
        end(&mut self.emulator).await?;
        self.server.stop().await?;
        Ok(costs)
    }
}

impl Contender {
    /// Starts it, and waits until it polls and rests.
    async fn start(
        client: &Client,
        name: &'static str,
        workflow: &'static str,
        mut command: Command,
    ) -> anyhow::Result<Self> {
        command.stdout(Stdio::null()).kill_on_drop(true);
        let begun = Instant::now();
        let process = command.spawn()?;
        while !is_polled(client, name).await? {
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("{name} does not poll");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let polls_after = begun.elapsed();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let pid = process.id().context("the worker has ended")?;
        Ok(Self {
            name,
            workflow,
            process,
            polls_after,
            idle_mib: resident_mib(pid, "VmRSS")?,
        })
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the worker has ended")
    }

    fn workflow_id(&self, label: &str, number: usize) -> String {
        format!("{}-{label}-{number}", self.name)
    }

    async fn tell(&self, client: &Client, cpu_ms: f64, pipelines: usize) -> anyhow::Result<()> {
        let last = self.workflow_id("measured", pipelines.saturating_sub(1));
        let history = history(client, &last).await?;
        say(&format!(
            "{:9} CPU {cpu_ms:5.2} ms a pipeline · idle {:4.1} MiB · peak {:4.1} MiB · {} events \
             · {} actions · polls {} ms after its start",
            self.name,
            self.idle_mib,
            resident_mib(self.pid()?, "VmHWM")?,
            history.len(),
            actions(&history),
            self.polls_after.as_millis(),
        ));
        Ok(())
    }
}

async fn is_polled(client: &Client, queue: &str) -> anyhow::Result<bool> {
    let request = DescribeTaskQueueRequest {
        namespace: "default".to_owned(),
        task_queue: Some(TaskQueue {
            name: queue.to_owned(),
            ..TaskQueue::default()
        }),
        task_queue_type: TaskQueueType::Activity.into(),
        ..DescribeTaskQueueRequest::default()
    };
    let mut service = client.connection().workflow_service();
    let answer = service
        .describe_task_queue(tonic::Request::new(request))
        .await?;
    Ok(!answer.into_inner().pollers.is_empty())
}

/// Runs so many pipelines on each worker, in turn, each with a connection of its own.
async fn run(
    client: &Client,
    contenders: &[Contender],
    label: &str,
    count: usize,
    at_once: usize,
) -> anyhow::Result<()> {
    let each = |number| {
        let pipelines = contenders.iter();
        pipelines.map(move |contender| (contender, contender.workflow_id(label, number)))
    };
    stream::iter((0..count).flat_map(each))
        .map(|(contender, id)| pipeline(client, contender, id))
        .buffer_unordered(at_once)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect()
}

async fn pipeline(client: &Client, contender: &Contender, id: String) -> anyhow::Result<()> {
    let input = match contender.workflow {
        "BareIngest" => json!({"name": id, "table": "Contacts"}),
        _ => json!({"connection": {"name": id, "host": "acme.custhelp.com", "username": "svc_aep",
                                   "password": {"env": "OSC_PASSWORD"}},
                    "tables": [{"table": "Contacts"}]}),
    };
    let handle = client
        .start_workflow(
            UntypedWorkflow::new(contender.workflow),
            plain(&input),
            WorkflowStartOptions::new(contender.name, id.as_str()).build(),
        )
        .await?;
    handle
        .get_result(WorkflowGetResultOptions::default())
        .await
        .with_context(|| format!("pipeline {id}"))?;
    Ok(())
}

async fn history(client: &Client, id: &str) -> anyhow::Result<Vec<HistoryEvent>> {
    let handle = client.get_workflow_handle::<UntypedWorkflow>(id);
    Ok(handle
        .fetch_history(WorkflowFetchHistoryOptions::default())
        .into_events()
        .await?)
}

/// What Temporal Cloud would count: the start and each activity's attempts.
fn actions(history: &[HistoryEvent]) -> usize {
    history
        .iter()
        .filter(|event| {
            matches!(
                event.event_type(),
                EventType::WorkflowExecutionStarted
                    | EventType::ActivityTaskStarted
                    | EventType::TimerStarted
                    | EventType::UpsertWorkflowSearchAttributes
            )
        })
        .count()
}

async fn connect(address: &str) -> anyhow::Result<Client> {
    let options = ConnectionOptions::new(url::Url::parse(&format!("http://{address}"))?)
        .grpc_compression(GrpcCompression::None)
        .build();
    Ok(Client::new(
        Connection::connect(options).await?,
        ClientOptions::new("default").build(),
    )?)
}

/// User and system time of a process, by the kernel's clock of 100 ticks a second.
fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets, which may hold spaces.
    let (_, fields) = stat
        .rsplit_once(") ")
        .context("/proc/…/stat has another form")?;
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>())
        .sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn resident_mib(pid: u32, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context("/proc/…/status has another form")?;
    let kib: f64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse()?;
    Ok(kib / 1024.0)
}

async fn end(process: &mut Child) -> anyhow::Result<()> {
    process.start_kill()?;
    process.wait().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are the program's answer")]
fn say(line: &str) {
    println!("{line}");
}
