"""What the dashboards show: every panel with its queries, in the order in which Grafana lays them out.

A dashboard is 24 columns wide. Queries use the recording rules of `deploy/prometheus/rules` where there is one.
"""

from deploy.grafana.panels import Dashboard, Panel, Query, number, quantiles

THROUGHPUT = Dashboard(
    "throughput",
    "COPA: Throughput",
    "How fast the run goes, and who waits for whom.",
    (
        number("Environment steps", "copa:env_steps:rate1m", "steps/s", "Of all actors together, last minute.", 0),
        number("Updates", "copa:updates:rate1m", "updates/s", "Of the learner, last minute.", 1),
        number("Samples", "copa:segments_sampled:rate1m", "segments/s", "Segments drawn, last minute.", 0),
        number("Actors", 'copa:up:sum{job="actor"}', "none", "Actors that answer.", 0),
        number("Replay fill", "copa:replay_fill:ratio", "percentunit", "Segments in the ring / its capacity.", 0),
        number("Progress", "copa:run:progress_ratio", "percentunit", "Environment steps / those of the whole run.", 0),
        Panel(
            "Environment steps",
            "All actors together, and each by its leased id.",
            (
                Query("copa:env_steps:rate1m", "all"),
                Query("sum by (actor) (rate(copa_env_steps_total[$__rate_interval]))", "actor {{actor}}"),
            ),
            "steps/s",
            low=0,
        ),
        Panel("Updates", "Updates of the learner.", (Query("copa:updates:rate1m", "updates"),), "updates/s", low=0),
        Panel(
            "Samples and inserts",
            "Segments drawn by the learner, and segments that Redis acknowledged.",
            (
                Query("copa:segments_sampled:rate1m", "drawn"),
                Query("sum(rate(copa_segments_acknowledged_total[$__rate_interval]))", "inserted"),
            ),
            "segments/s",
            low=0,
        ),
        Panel(
            "Who waits for whom",
            "Share of the time in which a process stands still, and for what. `sampler` is the learner's thread that"
            " draws batches ahead: while it waits for the limiter, the learner itself still has batches in hand.",
            (
                Query('copa:limiter_wait:ratio1m{side="actor"}', "actor: {{reason}}"),
                Query("copa:coach_wait:ratio1m", "actor: coach"),
                Query("copa:outbox_wait:ratio1m", "actor: Redis"),
                Query("copa:batch_wait:ratio1m", "learner: next batch"),
                Query('copa:limiter_wait:ratio1m{side="learner"}', "sampler: {{reason}}"),
            ),
            "percentunit",
            width=16,
            low=0,
            high=1,
        ),
        Panel(
            "Limiter",
            "Updates by which learning is behind play, between the two tolerances. At the upper one actors wait, at the"
            " lower one the learner.",
            (
                Query("copa_limiter_owed_updates", "owed"),
                Query("copa_limiter_tolerance_updates", "actors wait"),
                Query("-copa_limiter_tolerance_updates", "learner waits"),
            ),
        ),
        Panel(
            "Replay",
            "Segments in the ring.",
            (Query("copa_replay_segments", "segments"), Query("copa_replay_capacity_segments", "capacity")),
            "short",
            low=0,
        ),
        Panel(
            "Time of an update and of a batch",
            "An update without waiting for its batch; a batch without waiting for the limiter.",
            (
                *quantiles("copa_update_seconds", "update, "),
                *quantiles("copa_sample_seconds", "batch, "),
            ),
            "s",
            low=0,
        ),
        Panel(
            "GPU",
            "How busy the learner's GPU is, and how much of its memory PyTorch holds. Without data on a machine without"
            " a GPU; the first also without nvidia-ml-py.",
            (
                Query("copa_gpu_utilization_ratio", "busy, {{device}}"),
                Query("copa_gpu_memory_bytes / copa_gpu_memory_total_bytes", "memory, {{device}}"),
            ),
            "percentunit",
            low=0,
            high=1,
        ),
    ),
)

LEARNING = Dashboard(
    "learning",
    "COPA: Learning",
    "What is learned: returns, battles won, losses, exploration.",
    (
        Panel(
            "Return without exploration, by team",
            "Mean return of the evaluator's episodes; teams other than `train` are held out.",
            (Query("copa_eval_return", "team {{team}}"),),
            width=12,
        ),
        Panel(
            "Return with exploration, by actor",
            "Mean of each actor's last 200 episodes.",
            (Query("copa_episode_return_recent", "actor {{actor}}"),),
            width=12,
        ),
        Panel(
            "Outcomes without exploration, by team",
            "Share of the evaluator's episodes that ended so, for instance battles won. Without data where the task"
            " says nothing of how an episode ends.",
            (Query('copa_eval_outcome{outcome!~".*_per_episode"}', "{{outcome}}, team {{team}}"),),
            "percentunit",
            low=0,
            high=1,
            width=12,
        ),
        Panel(
            "What happens in an episode, by team",
            "Mean over the evaluator's episodes of what the task counts in them, for instance invaders caught. Without"
            " data where it counts nothing.",
            (Query('copa_eval_outcome{outcome=~".*_per_episode"}', "{{outcome}}, team {{team}}"),),
            low=0,
            width=12,
        ),
        Panel(
            "TD loss",
            "Of the latest update; `imagined_td` where the method has an imagined part.",
            (Query('copa_loss{part=~"td|imagined_td"}', "{{part}}"),),
            low=0,
        ),
        Panel(
            "Variational objective",
            "Of the latest update: what keeps strategies informative. Only methods with that objective have it.",
            (Query('copa_loss{part=~"nll|entropy"}', "{{part}}"),),
        ),
        Panel(
            "Gradient norm by group",
            "Of the latest update, before clipping.",
            (Query("copa_grad_norm", "{{group}}"),),
            logarithmic=True,
        ),
        Panel(
            "Epsilon",
            "Share of random actions.",
            (Query("max(copa_epsilon)", "epsilon"),),
            "percentunit",
            low=0,
            high=1,
        ),
        Panel(
            "Spread of returns with exploration",
            "Quantiles over the episodes of all actors.",
            tuple(
                Query(f"histogram_quantile({q}, sum by (le) (rate(copa_episode_return_bucket[5m])))", name)
                for q, name in ((0.1, "10 %"), (0.5, "median"), (0.9, "90 %"))
            ),
        ),
        Panel(
            "Staleness of samples",
            "Versions between the newest weights and those a sampled segment was played with, on average.",
            (Query("copa:weights_staleness_versions:mean1m", "versions"),),
            low=0,
        ),
    ),
)

COMMUNICATION = Dashboard(
    "communication",
    "COPA: Communication",
    "What the coach says, how often, and how fast.",
    (
        Panel(
            "Rate per coach step",
            "Strategies that travelled / agents present, at coach steps.",
            (Query("copa:communication:ratio1m", "per coach step"),),
            "percentunit",
            low=0,
            high=1,
        ),
        Panel(
            "Rate f per environment step",
            "The same, divided by the environment steps between two coach steps.",
            (Query("copa:communication_per_step:ratio1m", "f"),),
            "percentunit",
            low=0,
        ),
        Panel(
            "Strategies",
            "Computed for agents present, and those that travelled.",
            (
                Query("sum(rate(copa_strategies_eligible_total[$__rate_interval]))", "eligible"),
                Query("sum(rate(copa_strategies_sent_total[$__rate_interval]))", "sent"),
            ),
            "cps",
            low=0,
        ),
        Panel(
            "Bytes of strategies",
            "Payload of the strategies that travelled.",
            (Query("sum(rate(copa_strategy_bytes_total[$__rate_interval]))", "bytes"),),
            "Bps",
            low=0,
        ),
        Panel(
            "Time to answer",
            "From a request's arrival to its reply, the wait for others included.",
            (
                Query("copa:coach_request_seconds:p50_1m", "median"),
                Query("copa:coach_request_seconds:p95_1m", "95 %"),
                Query("copa:coach_request_seconds:p99_1m", "99 %"),
            ),
            "s",
            low=0,
        ),
        Panel(
            "Games in one forward pass",
            "Requests of all actors that wait are answered by one pass.",
            (
                *quantiles("copa_coach_batch_rows"),
                Query(
                    "sum(rate(copa_coach_batch_rows_sum[$__rate_interval]))"
                    " / sum(rate(copa_coach_batch_rows_count[$__rate_interval]))",
                    "mean",
                ),
            ),
            low=0,
        ),
        Panel(
            "Requests by status",
            "Status codes of gRPC.",
            (Query("sum by (code) (rate(copa_coach_requests_total[$__rate_interval]))", "{{code}}"),),
            "cps",
            low=0,
        ),
        Panel(
            "Coach steps without new strategies",
            "Requests whose answer came after `coach.deadline` or never; players went on with what they held.",
            (Query("copa:coach_missed:ratio1m", "missed"),),
            "percentunit",
            low=0,
            high=1,
        ),
        Panel(
            "Streams",
            "Open streams of actors.",
            (Query("sum(copa_coach_streams)", "streams"),),
            low=0,
            decimals=0,
        ),
    ),
)

HEALTH = Dashboard(
    "health",
    "COPA: Health",
    "Is everything there, and is there room.",
    (
        *(
            number(
                f"{role.capitalize()}s" if role == "actor" else role.capitalize(),
                f'copa:up:sum{{job="{role}"}}',
                "none",
                f"Processes of kind {role} that answer.",
                0,
            )
            for role in ("actor", "coach", "learner", "evaluator")
        ),
        number("Redis", "copa:redis:up", "none", "1 when any process reached Redis within the last minute.", 0),
        number(
            "Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', "none", "Alerts that fire; see the runbook.", 0
        ),
        Panel("Alerts", "Those that fire or will soon.", (), kind="alerts"),
        Panel(
            "Redis, by process",
            "Whether Redis carried out each process's latest command.",
            (Query("copa_redis_up", "{{job}} {{instance}}"),),
            kind="states",
        ),
        Panel(
            "Failed commands",
            "Commands that Redis did not carry out, by reason, all processes.",
            (Query("sum by (reason) (rate(copa_redis_failures_total[$__rate_interval]))", "{{reason}}"),),
            "cps",
            low=0,
        ),
        Panel(
            "Memory of Redis",
            "What it uses, and what it may use.",
            (Query("copa_replay_bytes", "used"), Query("copa_replay_limit_bytes", "limit")),
            "bytes",
            low=0,
        ),
        Panel(
            "Segments at risk and lost",
            "Kept by actors until Redis has them; given up by actors; lost by restarts of Redis.",
            (
                Query("sum(copa_segments_unacknowledged)", "unacknowledged"),
                Query("sum(copa_segments_dropped_total)", "dropped"),
                Query("copa_replay_lost_segments", "lost"),
                Query("copa_replay_corrupt_records_total", "damaged"),
            ),
            "short",
            low=0,
        ),
        Panel(
            "Age of weights in use",
            "Time since the weights in use were published.",
            (Query("copa_weights_staleness_seconds", "{{job}} {{instance}}"),),
            "s",
            low=0,
        ),
        Panel(
            "Version of weights in use",
            "The learner's is the one that it published last.",
            (Query("copa_weights_version", "{{job}} {{instance}}"),),
            low=0,
        ),
        Panel(
            "Time since the main loop went round",
            "A process is not healthy after two minutes.",
            (Query("copa_loop_idle_seconds", "{{job}} {{instance}}"),),
            "s",
            low=0,
        ),
        Panel(
            "Restarts in the last hour",
            "Of each process; of Redis: since the run began.",
            (
                Query(
                    'changes(process_start_time_seconds{job=~"actor|coach|learner|evaluator"}[1h])',
                    "{{job}} {{instance}}",
                ),
                Query("copa_redis_restarts", "redis"),
            ),
            low=0,
            decimals=0,
        ),
        Panel(
            "Processor",
            "Cores in use.",
            (
                Query(
                    'rate(process_cpu_seconds_total{job=~"actor|coach|learner|evaluator"}[$__rate_interval])',
                    "{{job}} {{instance}}",
                ),
            ),
            "short",
            low=0,
        ),
        Panel(
            "Memory",
            "Resident memory.",
            (Query('process_resident_memory_bytes{job=~"actor|coach|learner|evaluator"}', "{{job}} {{instance}}"),),
            "bytes",
            low=0,
        ),
        Panel(
            "Versions of COPA",
            "Processes by the version that they run.",
            (Query("count by (version) (copa_build_info)", "{{version}}"),),
            low=0,
            decimals=0,
        ),
    ),
)

DASHBOARDS = (THROUGHPUT, LEARNING, COMMUNICATION, HEALTH)
