//! Runs many one-table pipelines through aep-flow and through a bare worker, one after the
//! other, and prints what each costs.
//!
//! Each gets a server and an emulator of its own: both slow down as they fill, which would
//! favour whoever comes first. CPU is the kernel's count for the worker's process alone; memory is its resident set.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use aep_flow::{
    config::Environment,
    devserver::{self, DevServer},
};
use anyhow::{Context as _, bail};
use clap::Parser;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression, UntypedWorkflow,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowStartOptions,
};
use temporalio_common::{
    data_converters::RawValue,
    protos::temporal::api::{
        common::v1::Payload,
        enums::v1::{EventType, TaskQueueType},
        history::v1::HistoryEvent,
        taskqueue::v1::TaskQueue,
        workflowservice::v1::DescribeTaskQueueRequest,
    },
};
use tokio::process::{Child, Command};

/// Measures pipelines of one table.
#[derive(Debug, Parser)]
struct Options {
    /// Pipelines that are measured.
    #[arg(long, default_value_t = 300)]
    pipelines: usize,
    /// Pipelines before that, which are not.
    #[arg(long, default_value_t = 100)]
    warm_up: usize,
    /// Pipelines at once.
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// Rounds; all workers take part in each.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Also aep-flow with tracing on, this share of traces sampled, sent to a sink in here.
    #[arg(long, value_name = "SHARE")]
    traced: Option<f64>,
}

/// A worker process and how to give it work. Its task queue has its name.
struct Contender {
    name: &'static str,
    workflow: &'static str,
    process: Child,
    begun: Instant,
}

#[derive(Debug)]
struct Cost {
    cpu_ms: f64,
    idle_mib: f64,
    peak_mib: f64,
    events: usize,
    actions: usize,
    seconds: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let report = |line: &str| note(line);
    let binary = devserver::binary(
        &devserver::Surroundings::read(&Environment::of_process()),
        &report,
    )
    .await?;
    let sink = sink().await?;
    let share = options.traced.map(|share| share.to_string());
    let mut ratios = Ratios::default();
    for round in 1..=options.rounds {
        let plain = async || {
            let place = Place::make(&binary).await?;
            let contender = place.ours("aep-flow", &[])?;
            place.measure(contender, &options).await
        };
        let traced = async |share: &str| {
            let variables = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", share),
            ];
            let place = Place::make(&binary).await?;
            let contender = place.ours("traced", &variables)?;
            place.measure(contender, &options).await
        };
        // Whoever comes second may find a warmer or a busier machine.
        let is_turned = round % 2 == 0;
        let mut told = None;
        if let (Some(share), true) = (&share, is_turned) {
            told = Some(traced(share).await?);
        }
        let ours = plain().await?;
        if let (Some(share), false) = (&share, is_turned) {
            told = Some(traced(share).await?);
        }
        let place = Place::make(&binary).await?;
        let contender = place.bare()?;
        let bare = place.measure(contender, &options).await?;
        ratios.over_bare.push(ours.cpu_ms / bare.cpu_ms);
        ratios
            .traced
            .extend(told.map(|told| told.cpu_ms / ours.cpu_ms));
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
    let mut process = Command::new(beside("aep-emulator")?)
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

/// Where one worker is measured.
struct Place {
    server: DevServer,
    client: Client,
    emulator: Child,
    platform: String,
}

impl Place {
    async fn make(binary: &Path) -> anyhow::Result<Self> {
        let mut options = devserver::Options::new(binary.to_owned());
        options.has_ui = false;
        let server = DevServer::start(options).await?;
        let client = connect(&server.address()).await?;
        let (emulator, platform) = emulator().await?;
        Ok(Self {
            server,
            client,
            emulator,
            platform,
        })
    }

    fn ours(&self, name: &'static str, more: &[(&str, &str)]) -> anyhow::Result<Contender> {
        let mut command = Command::new(beside("aep-flow")?);
        command
            .arg("worker")
            .env("TEMPORAL_ADDRESS", self.server.address())
            .env("AEP_FLOW_WORKER_TASK_QUEUE", name)
            .env("AEP_FLOW_LOG_FILTER", "error")
            .env("AEP_FLOW_PLATFORM_URL", &self.platform)
            .env("AEP_FLOW_IMS_URL", &self.platform)
            .env("AEP_FLOW_ALLOW_INSECURE", "true")
            // As the bare worker: nobody else makes these names, so one look each is enough.
            .env("AEP_FLOW_ENSURE_SOLE_CALLER", "true")
            .env("AEP_FLOW_ORG_ID", aep_emulator::DEFAULT_ORG)
            .env("AEP_FLOW_CLIENT_ID", aep_emulator::DEFAULT_CLIENT_ID)
            .env(
                "AEP_FLOW_CLIENT_SECRET",
                aep_emulator::DEFAULT_CLIENT_SECRET,
            )
            .env("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*")
            .env("OSC_PASSWORD", aep_emulator::DEFAULT_SOURCE_PASSWORD)
            .envs(more.iter().copied());
        Contender::start(name, "IngestOracleServiceCloud", command)
    }

    fn bare(&self) -> anyhow::Result<Contender> {
        let mut command = Command::new(beside("bare-worker")?);
        command.args([&self.server.address(), &self.platform, "bare"]);
        Contender::start("bare", "BareIngest", command)
    }

    async fn measure(mut self, contender: Contender, options: &Options) -> anyhow::Result<Cost> {
        let cost = measure(&self.client, contender, options).await?;
        end(&mut self.emulator).await?;
        self.server.stop().await?;
        Ok(cost)
    }
}

impl Contender {
    fn start(
        name: &'static str,
        workflow: &'static str,
        mut command: Command,
    ) -> anyhow::Result<Self> {
        command.stdout(Stdio::null()).kill_on_drop(true);
        let begun = Instant::now();
        Ok(Self {
            name,
            workflow,
            process: command.spawn()?,
            begun,
        })
    }

    /// How long after its start it polls.
    async fn polls(&self, client: &Client) -> anyhow::Result<Duration> {
        while !is_polled(client, self.name).await? {
            if self.begun.elapsed() > Duration::from_secs(30) {
                bail!("{} does not poll", self.name);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(self.begun.elapsed())
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

async fn measure(
    client: &Client,
    mut contender: Contender,
    options: &Options,
) -> anyhow::Result<Cost> {
    let pid = contender.process.id().context("the worker has ended")?;
    let start = contender.polls(client).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle_mib = resident_mib(pid, "VmRSS")?;
    run(
        client,
        &contender,
        "warm-up",
        options.warm_up,
        options.at_once,
    )
    .await?;
    let (before, begun) = (cpu(pid)?, Instant::now());
    let last = run(
        client,
        &contender,
        "measured",
        options.pipelines,
        options.at_once,
    )
    .await?;
    let used = cpu(pid)?.saturating_sub(before);
    let history = history(client, &last).await?;
    let cost = Cost {
        cpu_ms: used.as_secs_f64() * 1000.0 / options.pipelines as f64,
        idle_mib,
        peak_mib: resident_mib(pid, "VmHWM")?,
        events: history.len(),
        actions: actions(&history),
        seconds: begun.elapsed().as_secs_f64(),
    };
    say(&format!(
        "{:9} CPU {:5.2} ms a pipeline · idle {:4.1} MiB · peak {:4.1} MiB · {} events · {} actions \
         · {} pipelines in {:.1} s · polls {} ms after its start",
        contender.name,
        cost.cpu_ms,
        cost.idle_mib,
        cost.peak_mib,
        cost.events,
        cost.actions,
        options.pipelines,
        cost.seconds,
        start.as_millis(),
    ));
    end(&mut contender.process).await?;
    Ok(cost)
}

/// Runs so many pipelines, each a connection of its own; gives the last one's Workflow Id.
async fn run(
    client: &Client,
    contender: &Contender,
    label: &str,
    count: usize,
    at_once: usize,
) -> anyhow::Result<String> {
    let ids: Vec<String> = (0..count)
        .map(|number| format!("{}-{label}-{number}", contender.name))
        .collect();
    let last = ids.last().cloned().context("no pipeline to run")?;
    stream::iter(ids)
        .map(|id| pipeline(client, contender, id))
        .buffer_unordered(at_once)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<()>>()?;
    Ok(last)
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
            raw(&input),
            WorkflowStartOptions::new(contender.name, id.as_str()).build(),
        )
        .await?;
    handle
        .get_result(WorkflowGetResultOptions::default())
        .await
        .with_context(|| format!("pipeline {id}"))?;
    Ok(())
}

fn raw(value: &Value) -> RawValue {
    RawValue::new(vec![Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: value.to_string().into_bytes(),
        external_payloads: Vec::new(),
    }])
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

/// Another program of this build.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.parent().unwrap_or(Path::new(".")).join(name);
    if !path.exists() {
        bail!("{} is not built: run bench/pipelines.sh", path.display());
    }
    Ok(path)
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

#[expect(clippy::print_stderr, reason = "what happens beside the answer")]
fn note(line: &str) {
    eprintln!("{line}");
}
