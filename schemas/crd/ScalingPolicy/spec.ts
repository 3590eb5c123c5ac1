/** The ScalingPolicy as it stands on the wire: everything the operator can do, each part optional but the target. */
import * as Schema from "effect/Schema"
import type { Rule } from "../Crd.ts"
import {
  above,
  commonFields,
  cost,
  defaulted,
  described,
  duration,
  fraction,
  int,
  listMap,
  POSITIVE_QUANTITY,
  promql,
  quantity,
  rules,
  targetRef,
  text
} from "../Crd/fields.ts"
import { optionsOf, withPlug, worksAtZeroRule } from "../Crd/plugs.ts"
import { httpUrl } from "#schemas/Endpoint"
import { Role } from "#schemas/Policy"
import { actuation, drainSeconds, fallback, safety, scaling, schedule } from "./scaling.ts"

const target = Schema.Struct({
  type: described(
    Schema.Literals(["Value", "AverageValue", "Utilization"]),
    "What value is compared with: Value the metric itself, which falls as pods are added; AverageValue the metric divided by the replicas; Utilization the use of a resource in percent of its request."
  ),
  value: quantity("What the metric is held at; a whole percentage for Utilization.", POSITIVE_QUANTITY)
}).annotate({ description: "What the signal is held at. Absent: it is observed and shown, and proposes nothing." })

/** Fields of a signal that are not its source. */
export const signalFields = {
  name: text(
    "Name of the signal, unique in the list; status, metrics and decisions call it by it.",
    63,
    /^[a-zA-Z]([-a-zA-Z0-9_]*[a-zA-Z0-9])?$/u
  ),
  target: Schema.optionalKey(target),
  role: Schema.optionalKey(
    described(
      Role,
      "What the number means to engines that weigh several signals. Absent: utilization for resource, backlog for nats, redis, pubsub and kafka, age for the oldest message of pubsub, else none."
    )
  ),
  onEmpty: defaulted(
    described(
      Schema.Literals(["Missing", "Zero"]),
      "What a well-formed answer without a value means (an empty vector, a Redis key that does not exist): Missing, so that nothing is lowered, or the number 0."
    ),
    "Missing"
  ),
  onMissing: defaulted(
    described(
      Schema.Literals(["Hold", "Fallback"]),
      "What to do while the signal is missing: Hold never lowers; Fallback also raises to spec.fallback after a while."
    ),
    "Hold"
  ),
  maxSampleAge: Schema.optionalKey(
    duration("Samples older than this are not believed. Absent: as the source sees fit.", "1s", "1h")
  )
}

const signal = withPlug(
  signalFields,
  { registry: "sources" },
  {
    description: "One metric that the policy watches: a name, exactly one source, and what to hold it at.",
    ...rules(
      {
        rule: "!has(self.target) || (self.target.type == 'Utilization' ? has(self.resource) : true)",
        message: "a target of type Utilization is for the source resource: name Value or AverageValue",
        fieldPath: ".target"
      },
      {
        rule: "!has(self.target) || !has(self.resource) || self.target.type != 'Value'",
        message: "a resource is held at an AverageValue or a Utilization, not at a Value",
        fieldPath: ".target"
      }
    )
  }
)

const engine = withPlug({}, { registry: "engines" }, { description: "One engine under its name, with its options." })

const askedOfPrometheus = (unit: string) => ({
  query: Schema.optionalKey(promql(`PromQL whose value is ${unit}.`)),
  preset: Schema.optionalKey(
    described(
      Schema.Literals(["istio", "nginx-ingress", "otel-http"]),
      "Instead of a query: the query that is usual with this exporter. Reserved: this version refuses to guess it."
    )
  ),
  serverUrl: Schema.optionalKey(httpUrl("Prometheus to ask. Absent: the operator's own (PROMETHEUS_URL)."))
})

const ONE_QUESTION: Rule = {
  rule: "!has(self.query) || !has(self.preset)",
  message: "name query or preset, not both",
  fieldPath: ".preset"
}

const objectives = Schema.Struct({
  latency: Schema.optionalKey(
    Schema.Struct({
      ...askedOfPrometheus("the latency in milliseconds"),
      targetMs: above("Milliseconds that a request may take.", 0),
      goodFraction: defaulted(fraction("Share of the requests that must be that fast."), 0.99)
    }).annotate({
      description:
        "How fast requests must be answered. With neither query nor preset the signal of the role latency is taken.",
      ...rules(ONE_QUESTION)
    })
  ),
  errorRate: Schema.optionalKey(
    Schema.Struct({
      ...askedOfPrometheus("the share of failed requests, 0 to 1"),
      target: fraction("Share of the requests that may fail.")
    }).annotate({
      description:
        "How many requests may fail. With neither query nor preset the signal of the role errorRate is taken.",
      ...rules(ONE_QUESTION)
    })
  ),
  queue: Schema.optionalKey(
    Schema.Struct({ drainSeconds }).annotate({
      description: "How fast a backlog must be worked off; read from the signals of the role backlog."
    })
  ),
  cost: Schema.optionalKey(cost),
  startupSeconds: Schema.optionalKey(above("Seconds that a new pod takes to serve. Absent: learned.", 0))
}).annotate({
  description: "What the workload must achieve. Naming latency, errorRate, queue or cost makes the engine auto decide."
})

const qLearning = Schema.Struct({
  learningRate: Schema.optionalKey(fraction("How much one reward changes what is known. Absent: 0.1.")),
  discountFactor: Schema.optionalKey(fraction("Weight of later rewards. Absent: 0.95.")),
  epsilonStart: Schema.optionalKey(fraction("Share of explored actions at first. Absent: 1.")),
  epsilonEnd: Schema.optionalKey(fraction("Share of explored actions at last. Absent: 0.01.")),
  epsilonDecay: Schema.optionalKey(fraction("Factor on that share after each transition. Absent: 0.995.")),
  exploration: defaulted(
    described(
      Schema.Literals(["Shadow", "Bounded"]),
      "Shadow learns from what the other engines do and touches nothing. Bounded may besides keep one pod for a tick that they give up, out of a small budget; it never asks for fewer."
    ),
    "Shadow"
  ),
  minimumTransitions: Schema.optionalKey(
    int("Executed transitions to have learned from before it may steer. Absent: 500.", 1, 100_000)
  ),
  learned: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "What was learned before, as simulate --learn or explain --learned writes it. It is where learning begins; it gives no say."
    }).check(Schema.isMaxLength(65_536))
  )
}).annotate({
  description:
    "Q-learning. It steers only after enough transitions and an estimate that is no worse, and three breaches demote it. The operator's defaults file may change what absent fields mean.",
  ...rules({
    rule: "!has(self.epsilonStart) || !has(self.epsilonEnd) || self.epsilonEnd <= self.epsilonStart",
    message: "epsilonEnd must not be greater than epsilonStart",
    fieldPath: ".epsilonEnd"
  })
})

const aiConfig = Schema.Struct({
  qLearning: Schema.optionalKey(qLearning),
  forecast: Schema.optionalKey(
    optionsOf(
      { registry: "engines", optionsOf: "predictive" },
      "Forecasts demand one startup time ahead; can only raise. Off unless present."
    )
  ),
  advisor: Schema.optionalKey(
    optionsOf(
      { registry: "engines", optionsOf: "advisor" },
      "Asks a language model, where the operator has a key. It may add one pod or 25 %, and never asks for less than the others. Off unless present."
    )
  )
}).annotate({ description: "Learning engines beside the others. Each is off unless present." })

export const specFields = {
  target: targetRef,
  ...commonFields,
  interval: Schema.optionalKey(
    duration("Time between decisions. Absent: 15s, and 5s where the engine auto decides.", "1s", "1h")
  ),
  scaling: Schema.optionalKey(scaling),
  signals: Schema.optionalKey(
    Schema.Array(signal)
      .annotate({
        description:
          "Metrics that are watched; the one that asks for most replicas wins. Absent: CPU of the target's pods decides, memory and network are observed.",
        ...listMap("name")
      })
      .check(Schema.isMinLength(1), Schema.isMaxLength(16))
  ),
  objectives: Schema.optionalKey(objectives),
  engines: Schema.optionalKey(
    Schema.Array(engine)
      .annotate({
        description:
          "Engines that propose replicas; the largest proposal wins. Absent: auto where an objective is named, else target."
      })
      .check(Schema.isMinLength(1), Schema.isMaxLength(8))
  ),
  aiConfig: Schema.optionalKey(aiConfig),
  schedules: Schema.optionalKey(
    Schema.Array(schedule)
      .annotate({ description: "Windows in time with a floor or a ceiling of their own.", ...listMap("name") })
      .check(Schema.isMaxLength(16))
  ),
  fallback: Schema.optionalKey(fallback),
  safety: Schema.optionalKey(safety),
  actuation: Schema.optionalKey(actuation)
}

export const wire = Schema.Struct(specFields).annotate({
  description: "What to scale, by what, how far and how fast."
})
export type Spec = typeof wire.Type

const ZERO = ["prometheus", "redis", "nats", "pubsub", "kafka", "http"]

export const specRules: ReadonlyArray<Rule> = [
  {
    rule: `!has(self.scaling) || !has(self.scaling.minReplicas) || self.scaling.minReplicas > 0 || (has(self.signals) && self.signals.exists(s, ${worksAtZeroRule("s", ZERO)}))`,
    message:
      "minReplicas 0 needs a signal that is true with no pod running: nats, redis, pubsub, kafka, or prometheus or http with worksAtZero: true",
    fieldPath: ".scaling.minReplicas"
  },
  {
    rule: "has(self.fallback) || !has(self.signals) || !self.signals.exists(s, s.onMissing == 'Fallback')",
    message: "a signal with onMissing: Fallback needs spec.fallback",
    fieldPath: ".signals"
  },
  ...["latency", "errorRate"].map((name) => ({
    rule: `!has(self.signals) || !has(self.objectives) || !has(self.objectives.${name}) || !(has(self.objectives.${name}.query) || has(self.objectives.${name}.preset)) || !self.signals.exists(s, s.name == '${name}')`,
    message: `the signal ${name} is the one that objectives.${name} asks for: call the other one differently`,
    fieldPath: ".signals"
  }))
]
