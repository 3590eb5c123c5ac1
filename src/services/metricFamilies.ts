/**
 * Every metric family with its labels and the words that explain it, apart from the code that counts. The names
 * are a contract: the seeds', controller-runtime's (so that stock dashboards and alerts work), and a few of our own.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"

/** controller-runtime's own buckets, so that its dashboards' quantiles mean the same here. */
const RECONCILE_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60
]
/** client-go's buckets of the work queue. */
const QUEUE_SECONDS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000]

export const makeFamilies = (processMetrics: boolean) => {
  const registry = new Registry()
  const registers = [registry]
  if (processMetrics) collectDefaultMetrics({ register: registry })

  const counter = <const Labels extends ReadonlyArray<string>>(name: string, help: string, ...labelNames: Labels) =>
    new Counter<Labels[number]>({ name, help, labelNames, registers })
  const gauge = <const Labels extends ReadonlyArray<string>>(name: string, help: string, ...labelNames: Labels) =>
    new Gauge<Labels[number]>({ name, help, labelNames, registers })
  const histogram = <const Labels extends ReadonlyArray<string>>(
    name: string,
    help: string,
    buckets: Array<number>,
    ...labelNames: Labels
  ) => new Histogram<Labels[number]>({ name, help, labelNames, buckets, registers })

  return {
    registry,

    operations: counter(
      "nimbusguard_scaling_operations_total",
      "Writes of replicas that happened, by type (scale_up, scale_down) and namespace.",
      "type",
      "namespace"
    ),
    current: gauge(
      "nimbusguard_current_replicas",
      "Replicas asked for now (spec.replicas) of each workload that a policy scales.",
      "namespace",
      "deployment"
    ),
    decisions: counter(
      "nimbusguard_decisions_total",
      "Decisions by action: scale_up, scale_down, no_action.",
      "action"
    ),
    health: gauge("nimbusguard_operator_health", "1 where a component works, 0 where it does not.", "component"),
    policies: counter("nimbusguard_policies_total", "Scaling policies of all kinds seen since the start."),
    activePolicies: gauge("nimbusguard_active_policies", "Scaling policies that exist now."),
    byPhase: gauge("nimbusguard_policies_by_phase", "Scaling policies that exist now, by phase.", "phase"),
    workflows: counter("nimbusguard_workflows_total", "Ticks that came to a decision."),
    workflowsSuccessful: counter(
      "nimbusguard_workflows_successful_total",
      "Ticks whose outcome was neither refused by the API server nor left unknown."
    ),
    actions: counter("nimbusguard_scaling_actions_total", "Writes of replicas that happened."),
    learning: {
      epsilon: gauge(
        "nimbusguard_q_learning_epsilon",
        "Share of explored actions that Q-learning stands at.",
        "namespace",
        "policy"
      ),
      reward: gauge(
        "nimbusguard_q_learning_reward",
        "Reward of the last transition, 0 at best and -1 at worst.",
        "namespace",
        "policy"
      ),
      states: gauge(
        "nimbusguard_q_learning_states",
        "States of the workload that Q-learning remembers.",
        "namespace",
        "policy"
      ),
      transitions: gauge(
        "nimbusguard_q_learning_transitions",
        "Executed transitions that Q-learning has learned from.",
        "namespace",
        "policy"
      ),
      shadowReward: gauge(
        "nimbusguard_q_learning_shadow_reward",
        "Estimated reward of what Q-learning would have done, a mean.",
        "namespace",
        "policy"
      ),
      baselineReward: gauge(
        "nimbusguard_q_learning_baseline_reward",
        "Estimated reward of what the other engines asked for, a mean.",
        "namespace",
        "policy"
      ),
      steering: gauge(
        "nimbusguard_q_learning_steering",
        "1 while Q-learning has a say, 0 while it is in shadow.",
        "namespace",
        "policy"
      )
    },
    advice: counter(
      "nimbusguard_advisor_answers_total",
      "Answers of a language model, by what became of them: taken, malformed, absurd, late, failed.",
      "result"
    ),
    modelRequests: counter(
      "nimbusguard_openai_requests_total",
      "Requests to the language model, by result: answered, or why not.",
      "result"
    ),
    modelSeconds: histogram(
      "nimbusguard_openai_request_duration_seconds",
      "How long the language model took to answer or to fail.",
      [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30]
    ),
    modelTokens: counter("nimbusguard_openai_tokens_total", "Tokens sent (input) and answered (output).", "type"),
    modelCost: counter(
      "nimbusguard_openai_cost_total",
      "What the tokens cost by OPENAI_INPUT_PRICE and OPENAI_OUTPUT_PRICE; 0 where these are not set."
    ),

    desired: gauge(
      "nimbusguard_policy_desired_replicas",
      "Replicas that the last decision wants, after limiters.",
      "kind",
      "namespace",
      "policy",
      "target"
    ),
    recommended: gauge(
      "nimbusguard_policy_recommended_replicas",
      "Replicas that the last decision proposed, before limiters.",
      "kind",
      "namespace",
      "policy",
      "target"
    ),
    ready: gauge(
      "nimbusguard_policy_ready",
      "0 while the policy is in phase Error, else 1.",
      "kind",
      "namespace",
      "policy"
    ),
    limited: counter("nimbusguard_decisions_limited_total", "Decisions that a limiter changed, by limiter.", "limiter"),
    outcomes: counter("nimbusguard_outcomes_total", "What became of decisions, by outcome.", "outcome"),
    samples: counter(
      "nimbusguard_source_samples_total",
      "Answers of metric sources: measured, stale or missing.",
      "source",
      "result"
    ),
    sampleSeconds: histogram(
      "nimbusguard_source_sample_duration_seconds",
      "How long metric sources took to answer.",
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      "source"
    ),
    dropped: gauge(
      "nimbusguard_metrics_dropped_policies",
      "Policies beyond the limit of those that have series of their own."
    ),

    reconciles: counter(
      "controller_runtime_reconcile_total",
      "Ticks per kind, by result: success or error.",
      "controller",
      "result"
    ),
    reconcileErrors: counter(
      "controller_runtime_reconcile_errors_total",
      "Ticks per kind that ended in an error.",
      "controller"
    ),
    panics: counter(
      "controller_runtime_reconcile_panics_total",
      "Crashes of a policy's actor, per kind.",
      "controller"
    ),
    reconcileSeconds: histogram(
      "controller_runtime_reconcile_time_seconds",
      "How long ticks took, per kind.",
      RECONCILE_SECONDS,
      "controller"
    ),
    activeWorkers: gauge("controller_runtime_active_workers", "Ticks in flight, per kind.", "controller"),
    maxWorkers: gauge(
      "controller_runtime_max_concurrent_reconciles",
      "Actors, per kind: every policy has one of its own.",
      "controller"
    ),
    queueAdds: counter("workqueue_adds_total", "Ticks begun, per kind.", "name", "controller"),
    queueRetries: counter(
      "workqueue_retries_total",
      "Ticks that had to be tried again, per kind.",
      "name",
      "controller"
    ),
    queueWait: histogram(
      "workqueue_queue_duration_seconds",
      "How late ticks started, against their schedule.",
      QUEUE_SECONDS,
      "name",
      "controller"
    ),
    queueWork: histogram(
      "workqueue_work_duration_seconds",
      "How long whole ticks took, per kind.",
      QUEUE_SECONDS,
      "name",
      "controller"
    ),
    unfinished: gauge(
      "workqueue_unfinished_work_seconds",
      "Seconds that the ticks in flight have taken so far, together.",
      "name",
      "controller"
    ),
    longest: gauge(
      "workqueue_longest_running_processor_seconds",
      "Seconds that the oldest tick in flight has taken so far.",
      "name",
      "controller"
    ),
    requests: counter(
      "rest_client_requests_total",
      "Requests to the Kubernetes API, by status code, method and host.",
      "code",
      "method",
      "host"
    ),
    leader: gauge("leader_election_master_status", "1 while this process holds the Lease, else 0.", "name")
  }
}

export type Families = ReturnType<typeof makeFamilies>
