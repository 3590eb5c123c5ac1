import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { DecisionRecord } from "#schemas/Decision"
import type { PolicyRef, Target } from "#schemas/Policy"
import { type Learning, Metrics } from "#services/Metrics"
import { layerMetrics } from "#services/MetricsLive"
import { deployment, idle, makeRecord, refOf, state } from "#test/operator/records"

const ref = (name: string, namespace = "shop", kind: PolicyRef["kind"] = "ScalingPolicy"): PolicyRef =>
  refOf(`${kind}/${namespace}/${name}`, { kind, namespace, name })

const record = (
  policy: PolicyRef,
  outcome: DecisionRecord["outcome"],
  given: Partial<DecisionRecord["decision"]> & { readonly target?: Target; readonly current?: number } = {}
): DecisionRecord => {
  const { target = deployment(policy.name, policy.namespace), current = 2, ...decision } = given
  const made = makeRecord({ uid: policy.uid, id: "d", at: 0, outcome })
  return {
    ...made,
    policy,
    observation: { ...made.observation, target, state: state(current) },
    decision: { ...idle(current), ...decision }
  }
}

const unchanged: DecisionRecord["outcome"] = { _tag: "Unchanged" }
const scaled = (from: number, to: number): DecisionRecord["outcome"] => ({
  _tag: "Scaled",
  from,
  to,
  resourceVersion: "2"
})

/** The exposition as a map from "name{label="x",...}" to its value, and the set of families. */
const page = Effect.gen(function* () {
  const { body, contentType } = yield* Metrics.use((metrics) => metrics.render)
  assert.strictEqual(contentType, "text/plain; version=0.0.4; charset=utf-8")
  const series = new Map<string, number>()
  const families = new Set<string>()
  for (const line of body.split("\n")) {
    if (line.startsWith("# TYPE ")) families.add(line.slice(7))
    if (line === "" || line.startsWith("#")) continue
    const cut = line.lastIndexOf(" ")
    assert.isFalse(series.has(line.slice(0, cut)), `a series twice: ${line}`)
    series.set(line.slice(0, cut), Number(line.slice(cut + 1)))
  }
  return { series, families, body }
})

const inWorld = <A, E>(effect: Effect.Effect<A, E, Metrics>) =>
  Effect.provide(effect, layerMetrics({ processMetrics: false }))

const learningAt = (epsilon: number): Learning => ({
  epsilon,
  reward: -0.1,
  states: 7,
  transitions: 90,
  shadowReward: -0.2,
  baselineReward: -0.3,
  steering: 1
})

const value = (name: string) => Effect.map(page, ({ series }) => series.get(name))

describe("the metrics page", () => {
  it.effect("has every family that the seeds and controller-runtime name, under these types", () =>
    inWorld(
      Effect.gen(function* () {
        const { families } = yield* page
        for (const family of [
          "nimbusguard_scaling_operations_total counter",
          "nimbusguard_current_replicas gauge",
          "nimbusguard_decisions_total counter",
          "nimbusguard_operator_health gauge",
          "nimbusguard_policies_total counter",
          "nimbusguard_active_policies gauge",
          "nimbusguard_policies_by_phase gauge",
          "nimbusguard_workflows_total counter",
          "nimbusguard_workflows_successful_total counter",
          "nimbusguard_scaling_actions_total counter",
          "nimbusguard_q_learning_epsilon gauge",
          "controller_runtime_reconcile_total counter",
          "controller_runtime_reconcile_errors_total counter",
          "controller_runtime_reconcile_panics_total counter",
          "controller_runtime_reconcile_time_seconds histogram",
          "controller_runtime_active_workers gauge",
          "controller_runtime_max_concurrent_reconciles gauge",
          "workqueue_adds_total counter",
          "workqueue_retries_total counter",
          "workqueue_queue_duration_seconds histogram",
          "workqueue_work_duration_seconds histogram",
          "workqueue_unfinished_work_seconds gauge",
          "workqueue_longest_running_processor_seconds gauge",
          "rest_client_requests_total counter",
          "leader_election_master_status gauge"
        ]) {
          assert.isTrue(families.has(family), family)
        }
      })
    )
  )

  it.effect("counts a scale-up under the seeds' labels", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const web = ref("web")
        yield* metrics.policySeen(web)
        yield* metrics.recorded(
          record(web, scaled(2, 5), { action: "scale_up", desired: 5, recommended: 9, limitedBy: ["ScaleUpLimit"] }),
          0.2
        )
        yield* metrics.learning(web, learningAt(0.4))
        const { series } = yield* page
        const shown = Object.fromEntries([...series].filter(([name]) => !name.includes("_bucket")))
        assert.deepInclude(shown, {
          'nimbusguard_scaling_operations_total{type="scale_up",namespace="shop"}': 1,
          'nimbusguard_scaling_operations_total{type="scale_down",namespace="shop"}': 0,
          'nimbusguard_current_replicas{namespace="shop",deployment="web"}': 5,
          'nimbusguard_decisions_total{action="scale_up"}': 1,
          'nimbusguard_decisions_total{action="scale_down"}': 0,
          'nimbusguard_decisions_total{action="no_action"}': 0,
          nimbusguard_policies_total: 1,
          nimbusguard_active_policies: 1,
          nimbusguard_workflows_total: 1,
          nimbusguard_workflows_successful_total: 1,
          nimbusguard_scaling_actions_total: 1,
          'nimbusguard_q_learning_epsilon{namespace="shop",policy="web"}': 0.4,
          'nimbusguard_q_learning_reward{namespace="shop",policy="web"}': -0.1,
          'nimbusguard_q_learning_states{namespace="shop",policy="web"}': 7,
          'nimbusguard_q_learning_shadow_reward{namespace="shop",policy="web"}': -0.2,
          'nimbusguard_q_learning_baseline_reward{namespace="shop",policy="web"}': -0.3,
          'nimbusguard_q_learning_steering{namespace="shop",policy="web"}': 1,
          'nimbusguard_policies_by_phase{phase="Initializing"}': 1,
          'nimbusguard_policies_by_phase{phase="Active"}': 0,
          'nimbusguard_policy_desired_replicas{kind="ScalingPolicy",namespace="shop",policy="web",target="Deployment/web"}': 5,
          'nimbusguard_policy_recommended_replicas{kind="ScalingPolicy",namespace="shop",policy="web",target="Deployment/web"}': 9,
          'nimbusguard_decisions_limited_total{limiter="ScaleUpLimit"}': 1,
          'controller_runtime_reconcile_total{controller="scalingpolicy",result="success"}': 1,
          'controller_runtime_reconcile_total{controller="scalingpolicy",result="error"}': 0,
          'controller_runtime_reconcile_errors_total{controller="scalingpolicy"}': 0,
          'controller_runtime_reconcile_panics_total{controller="scalingpolicy"}': 0,
          'controller_runtime_reconcile_time_seconds_count{controller="scalingpolicy"}': 1,
          'controller_runtime_reconcile_time_seconds_sum{controller="scalingpolicy"}': 0.2,
          'controller_runtime_max_concurrent_reconciles{controller="scalingpolicy"}': 1
        })
      })
    )
  )

  it.effect("counts what a language model was asked, what it cost, and what became of its answers", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const asked = { result: "answered", seconds: 2, inputTokens: 300, outputTokens: 40, cost: 0.002 }
        yield* metrics.asked(asked)
        yield* metrics.asked({ ...asked, result: "Timeout", inputTokens: 0, outputTokens: 0, cost: 0 })
        yield* metrics.advised("taken")
        yield* metrics.advised("absurd")
        const { series } = yield* page
        assert.strictEqual(series.get('nimbusguard_openai_requests_total{result="answered"}'), 1)
        assert.strictEqual(series.get('nimbusguard_openai_requests_total{result="Timeout"}'), 1)
        assert.strictEqual(series.get("nimbusguard_openai_request_duration_seconds_count"), 2)
        assert.strictEqual(series.get('nimbusguard_openai_tokens_total{type="input"}'), 300)
        assert.strictEqual(series.get('nimbusguard_openai_tokens_total{type="output"}'), 40)
        assert.strictEqual(series.get("nimbusguard_openai_cost_total"), 0.002)
        assert.strictEqual(series.get('nimbusguard_advisor_answers_total{result="taken"}'), 1)
        assert.strictEqual(series.get('nimbusguard_advisor_answers_total{result="absurd"}'), 1)
      })
    )
  )

  it.effect("does not call a refused or an unknown write a success, nor a scaling operation", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const web = ref("web")
        yield* metrics.recorded(record(web, { _tag: "Refused", reason: "Forbidden", message: "" }), 0.1)
        yield* metrics.recorded(record(web, { _tag: "Unknown", message: "" }), 0.1)
        yield* metrics.recorded(record(web, { _tag: "Withheld", why: "Recommend", message: "" }), 0.1)
        yield* metrics.failed(web, "boom", 0.1)
        const { series } = yield* page
        assert.strictEqual(series.get("nimbusguard_workflows_total"), 3)
        assert.strictEqual(series.get("nimbusguard_workflows_successful_total"), 1)
        assert.strictEqual(series.get("nimbusguard_scaling_actions_total"), 0)
        assert.strictEqual(
          series.get('controller_runtime_reconcile_total{controller="scalingpolicy",result="error"}'),
          3
        )
        assert.strictEqual(series.get('controller_runtime_reconcile_errors_total{controller="scalingpolicy"}'), 3)
      })
    )
  )

  it.effect("drops every series of a deleted policy, and keeps the totals", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const [web, api] = [ref("web"), ref("api", "other", "ScalingRule")]
        for (const policy of [web, api]) {
          yield* metrics.phase(policy, "Active")
          yield* metrics.recorded(record(policy, scaled(1, 3), { action: "scale_up", recommended: 3 }), 0.1)
          yield* metrics.learning(policy, learningAt(0.5))
        }
        yield* metrics.forget(web)
        const { body, series } = yield* page
        assert.notMatch(body, /"web"|"Deployment\/web"|namespace="shop"/)
        assert.strictEqual(series.get("nimbusguard_policies_total"), 2)
        assert.strictEqual(series.get("nimbusguard_active_policies"), 1)
        assert.strictEqual(series.get('nimbusguard_policies_by_phase{phase="Active"}'), 1)
        assert.strictEqual(series.get("nimbusguard_scaling_actions_total"), 2)
        assert.strictEqual(series.get('nimbusguard_scaling_operations_total{type="scale_up",namespace="other"}'), 1)
        assert.strictEqual(series.get('nimbusguard_current_replicas{namespace="other",deployment="api"}'), 3)
      })
    )
  )

  it.effect("says no reward where none is known, since 0 is the best there is", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const web = ref("web")
        const rewards = ["reward", "shadow_reward", "baseline_reward"].map(
          (name) => `nimbusguard_q_learning_${name}{namespace="shop",policy="web"}`
        )
        const unknown = { reward: undefined, shadowReward: undefined, baselineReward: undefined }
        for (const [learning, want] of [
          [{ ...learningAt(1), ...unknown }, []],
          [learningAt(0.5), rewards],
          [{ ...learningAt(0.4), ...unknown }, []]
        ] as const) {
          yield* metrics.learning(web, learning)
          const { series } = yield* page
          assert.deepStrictEqual(
            rewards.filter((name) => series.has(name)),
            want
          )
        }
      })
    )
  )

  it.effect("drops the series of a target that a policy no longer selects", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const policy = ref("labels", "shop", "IntelligentScaling")
        for (const name of ["a", "b"]) {
          yield* metrics.recorded(record(policy, unchanged, { target: deployment(name), recommended: 2 }), 0.1)
        }
        yield* metrics.targets(policy, [deployment("b")])
        const { body, series } = yield* page
        assert.notMatch(body, /deployment="a"|Deployment\/a/)
        assert.strictEqual(series.get('nimbusguard_current_replicas{namespace="shop",deployment="b"}'), 2)
      })
    )
  )

  it.effect("keeps a workload's series while another policy still speaks of it", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const [older, younger] = [ref("older"), ref("younger")]
        for (const policy of [older, younger]) {
          yield* metrics.recorded(record(policy, unchanged, { target: deployment("web"), current: 4 }), 0.1)
        }
        yield* metrics.forget(younger)
        assert.strictEqual(yield* value('nimbusguard_current_replicas{namespace="shop",deployment="web"}'), 4)
        yield* metrics.forget(older)
        assert.strictEqual(yield* value('nimbusguard_current_replicas{namespace="shop",deployment="web"}'), undefined)
      })
    )
  )

  it.effect("shows ticks in flight and the oldest of them", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        const web = ref("web")
        yield* metrics.policySeen(web)
        const slow = yield* Effect.forkChild(metrics.ticking(web, Effect.sleep("9 seconds")), {
          startImmediately: true
        })
        yield* TestClock.adjust("4 seconds")
        const { series } = yield* page
        assert.strictEqual(series.get('controller_runtime_active_workers{controller="scalingpolicy"}'), 1)
        assert.strictEqual(
          series.get('workqueue_longest_running_processor_seconds{name="scalingpolicy",controller="scalingpolicy"}'),
          4
        )
        yield* Fiber.interrupt(slow)
        const after = (yield* page).series
        assert.strictEqual(after.get('controller_runtime_active_workers{controller="scalingpolicy"}'), 0)
        assert.strictEqual(
          after.get('workqueue_work_duration_seconds_sum{name="scalingpolicy",controller="scalingpolicy"}'),
          4
        )
      })
    )
  )

  it.effect("speaks of the components that the seeds list, and of no other", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        yield* metrics.health("kubernetes", true)
        yield* metrics.health("prometheus", false)
        yield* metrics.health("sources", false)
        const { series } = yield* page
        assert.strictEqual(series.get('nimbusguard_operator_health{component="kubernetes"}'), 1)
        assert.strictEqual(series.get('nimbusguard_operator_health{component="prometheus"}'), 0)
        assert.isFalse(series.has('nimbusguard_operator_health{component="sources"}'))
      })
    )
  )

  it.effect("counts requests by code, method and host, and gives only so many hosts a series", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        for (let host = 0; host < 50; host++) yield* metrics.request("GET", "200", `host-${host}:443`)
        yield* metrics.leading(true, "nimbusguard-operator")
        const { series } = yield* page
        assert.strictEqual(series.get('rest_client_requests_total{code="200",method="GET",host="host-0:443"}'), 1)
        assert.strictEqual(series.get('rest_client_requests_total{code="200",method="GET",host="other"}'), 30)
        assert.strictEqual(series.get('leader_election_master_status{name="nimbusguard-operator"}'), 1)
      })
    )
  )

  it.effect("stays bounded with more policies than may have series, and lets the next one in when one goes", () =>
    inWorld(
      Effect.gen(function* () {
        const metrics = yield* Metrics
        for (let index = 0; index <= 5_000; index++) yield* metrics.recorded(record(ref(`p${index}`), unchanged), 0)
        assert.strictEqual(yield* value("nimbusguard_metrics_dropped_policies"), 1)
        assert.strictEqual(yield* value("nimbusguard_active_policies"), 5_001)
        const last = 'nimbusguard_current_replicas{namespace="shop",deployment="p5000"}'
        assert.strictEqual(yield* value(last), undefined)
        yield* metrics.forget(ref("p0"))
        yield* metrics.recorded(record(ref("p5000"), unchanged), 0)
        assert.strictEqual(yield* value(last), 2)
        assert.strictEqual(yield* value("nimbusguard_metrics_dropped_policies"), 0)
      })
    )
  )

  const Event = Schema.Struct({
    verb: Schema.Literals(["seen", "recorded", "failed", "phase", "forget", "learning", "targets", "crashed"]),
    policy: Schema.Literals(["a", "b", "c"]),
    target: Schema.Literals(["x", "y"]),
    phase: Schema.Literals(["Initializing", "Learning", "Active", "Paused", "Error"])
  })
  it.effect.prop(
    "whatever happens, phases add up and forgotten policies leave nothing behind",
    [Schema.Array(Event)],
    ([events]) =>
      inWorld(
        Effect.gen(function* () {
          const metrics = yield* Metrics
          const alive = new Set<string>()
          for (const { verb, policy, target, phase } of events) {
            const of = ref(policy, `ns-${policy}`)
            if (verb === "forget") alive.delete(policy)
            else alive.add(policy)
            if (verb === "seen") yield* metrics.policySeen(of)
            if (verb === "recorded") {
              yield* metrics.recorded(record(of, scaled(1, 2), { target: deployment(target, `ns-${policy}`) }), 0.1)
            }
            if (verb === "failed") yield* metrics.failed(of, "", 0.1)
            if (verb === "crashed") yield* metrics.crashed(of)
            if (verb === "phase") yield* metrics.phase(of, phase)
            if (verb === "learning") yield* metrics.learning(of, learningAt(0.5))
            if (verb === "targets") yield* metrics.targets(of, [deployment(target, `ns-${policy}`)])
            if (verb === "forget") yield* metrics.forget(of)
          }
          const { body, series } = yield* page
          const phases = [...series].filter(([name]) => name.startsWith("nimbusguard_policies_by_phase"))
          assert.strictEqual(
            phases.reduce((sum, [, count]) => sum + count, 0),
            alive.size
          )
          assert.isTrue(phases.every(([, count]) => count >= 0))
          assert.strictEqual(series.get("nimbusguard_active_policies"), alive.size)
          for (const policy of ["a", "b", "c"]) {
            if (!alive.has(policy)) assert.notInclude(body, `ns-${policy}`)
          }
        })
      )
  )
})

it.effect("the process metrics of Node are on the page where they are asked for", () =>
  Effect.gen(function* () {
    const { families } = yield* page
    assert.isTrue(families.has("process_resident_memory_bytes gauge"))
    assert.isTrue(families.has("nodejs_eventloop_lag_p99_seconds gauge"))
  }).pipe(Effect.provide(layerMetrics({ processMetrics: true })))
)
