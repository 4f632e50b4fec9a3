//! Every expression of the boards and alerts finds something that a real worker exports.

use std::time::{Duration, Instant};

use super::deploy::{Expression, expressions};
use super::prometheus::{self, Prometheus};
use super::scenario;

/// How long after the last event all of it may take to be scraped: some of it is counted by the
/// worker now and then.
const SCRAPED_WITHIN: Duration = Duration::from_secs(90);

#[tokio::test]
async fn every_expression_finds_a_series() {
    if !prometheus::is_here() {
        return;
    }
    let mut stage = scenario::Stage::set().await;
    let folder = stage.world.folder();
    let prometheus = Prometheus::start(&stage.metrics, &folder).await;
    stage.play().await;

    let mut expressions = expressions();
    expressions.extend(scenario::SEEN.map(|text| Expression {
        place: "what was played".to_owned(),
        text: text.to_owned(),
    }));
    let deadline = Instant::now() + SCRAPED_WITHIN;
    loop {
        let mut found = Vec::new();
        for expression in &expressions {
            found.push(prometheus.series(&expression.text).await);
        }
        let is_empty = |series: &Result<usize, String>| !matches!(series, Ok(1..));
        if !found.iter().any(is_empty) {
            print(&expressions, &found);
            break;
        }
        if Instant::now() > deadline {
            print(&expressions, &found);
            let missing = expressions.iter().zip(&found);
            let missing = missing.filter(|(_, series)| is_empty(series));
            let missing: Vec<String> = missing
                .map(|(Expression { place, text }, series)| match series {
                    Ok(_) => format!("{place}: {text}"),
                    Err(error) => format!("{place}: {text}\n    {error}"),
                })
                .collect();
            panic!("these give no series:\n{}", missing.join("\n"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn print(expressions: &[Expression], found: &[Result<usize, String>]) {
    eprintln!("series  whose, and what");
    for (Expression { place, text }, series) in expressions.iter().zip(found) {
        let series = series.as_ref().map_or("error".to_owned(), usize::to_string);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        eprintln!("{series:>6}  {place}\n        {text}");
    }
}
