//! `authchain check`: is the configuration right?

use serde_json::json;

use super::output::{self, Outcome, visible};
use crate::config::{Config, Origin};
use crate::error::Report;

/// How to say it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON, also for an error
    #[arg(long)]
    json: bool,
}

/// Reads and resolves; opens no database.
pub(super) fn run(args: &Args, origin: &Origin) -> Outcome {
    let file = origin.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let config = match Config::load(origin) {
        Ok(config) => config,
        Err(report) => {
            if args.json {
                output::json(&fault(&report))?;
            }
            return Err(report.into());
        }
    };
    let chains: Vec<_> = config.chains.iter().map(|(name, _)| name.as_str()).collect();
    if args.json {
        let database = config.database.path.display().to_string();
        return output::json(&json!({ "file": file, "ok": true, "chains": chains, "database": database }));
    }
    output::print(&format!("{}: ok", visible(&file)))?;
    chains.iter().try_for_each(|name| output::print(&format!("chain {}", visible(name))))
}

fn fault(report: &Report) -> serde_json::Value {
    let Report { file, line, column, text, remedy } = report;
    json!({ "file": file, "ok": false, "line": line, "column": column, "text": text, "remedy": remedy })
}
