/** How far and how fast a ScalingPolicy may scale: bounds, cooldown, and the HorizontalPodAutoscaler's own behavior. */
import * as Schema from "effect/Schema"
import { above, described, int, NOT_NEGATIVE_QUANTITY, quantity, rules, text } from "../Crd/fields.ts"

const scalingRules = (direction: "up" | "down", absent: string) =>
  Schema.Struct({
    stabilizationWindowSeconds: Schema.optionalKey(
      int(
        `Seconds of past recommendations that are considered before scaling ${direction}. Absent: ${direction === "up" ? 0 : 300}.`,
        0,
        3600
      )
    ),
    selectPolicy: Schema.optionalKey(
      described(
        Schema.Literals(["Max", "Min", "Disabled"]),
        `Which policy counts where several apply: Max the one that allows the largest change, Min the smallest; Disabled never scales ${direction}. Absent: Max.`
      )
    ),
    policies: Schema.optionalKey(
      Schema.Array(
        Schema.Struct({
          type: described(
            Schema.Literals(["Pods", "Percent"]),
            "Whether value counts pods or percent of the replicas."
          ),
          value: int("How much may change within the period.", 1),
          periodSeconds: int("Length of the period in seconds.", 1, 1800)
        }).annotate({ description: "One limit: how much may change within a period." })
      )
        .annotate({ description: `Limits of scaling ${direction}. Absent: ${absent}.` })
        .check(Schema.isMinLength(1), Schema.isMaxLength(16))
    ),
    tolerance: Schema.optionalKey(
      quantity(
        `How far the metric may be from its target before it scales ${direction}, as a share of the target. Absent: 0.1, unless objectives.cost prefers a direction.`,
        NOT_NEGATIVE_QUANTITY
      )
    )
  }).annotate({ description: `Rules for scaling ${direction}.` })

export const behavior = Schema.Struct({
  scaleUp: Schema.optionalKey(scalingRules("up", "4 pods or 100 % in 15 s, whichever is more")),
  scaleDown: Schema.optionalKey(scalingRules("down", "100 % in 15 s"))
}).annotate({
  description:
    "The HorizontalPodAutoscaler's behavior, field by field and decision by decision. With it, these rules alone decide: there is no cooldown unless cooldownPeriod names one, and disruptionFloor and rollback of safety are off unless named. Absent: as an HPA without behavior (at most double or 4 pods up, down to the highest recommendation of 300 s)."
})

export const scaling = Schema.Struct({
  minReplicas: Schema.optionalKey(
    int(
      "Smallest number of replicas. 0 needs a signal that is true with no pod running. Absent: the operator's default, 1 unless its defaults file says otherwise.",
      0
    )
  ),
  maxReplicas: Schema.optionalKey(
    int("Largest number of replicas. Absent: the operator's default, 50 unless its defaults file says otherwise.", 1)
  ),
  cooldownPeriod: Schema.optionalKey(
    int(
      "Seconds after any scaling in which nothing is scaled down; scaling up never waits. Absent: 300 with aiConfig, else none, unless the operator's defaults file says otherwise.",
      0,
      86_400
    )
  ),
  targetCpuUtilization: Schema.optionalKey(
    int(
      "CPU use, in percent of the request, at which the default signal is held when no signal has a target. Absent: the operator's default, 70 unless its defaults file says otherwise.",
      1,
      1000
    )
  ),
  behavior: Schema.optionalKey(behavior)
}).annotate({
  description: "Bounds and speed.",
  ...rules({
    rule: "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
    message: "minReplicas must not be greater than maxReplicas",
    fieldPath: ".minReplicas"
  })
})

const name = (description: string) => text(description, 63, /^[a-zA-Z]([-a-zA-Z0-9_]*[a-zA-Z0-9])?$/u)

/** Five fields; what the fields say is read when the object is decoded. */
const CRON = /^[-0-9A-Za-z*,/]+( +[-0-9A-Za-z*,/]+){4}$/u

export const schedule = Schema.Struct({
  name: name("Name of the window, unique in the list; limiters call it by it."),
  start: text('When the window opens: a cron expression of five fields, e.g. "0 8 * * 1-5".', 100, CRON),
  end: text('When the window closes: a cron expression of five fields, e.g. "0 18 * * 1-5".', 100, CRON),
  timeZone: Schema.optionalKey(
    text('Time zone of start and end by its IANA name, e.g. "Europe/Berlin". Absent: UTC.', 64, /^[A-Za-z0-9_+/-]+$/u)
  ),
  floor: Schema.optionalKey(int("At least this many replicas while the window is open.", 0)),
  ceiling: Schema.optionalKey(int("At most this many replicas while the window is open.", 0))
}).annotate({
  description: "A window in time with a floor or a ceiling of its own, inside minReplicas and maxReplicas.",
  ...rules(
    { rule: "has(self.floor) || has(self.ceiling)", message: "name floor, ceiling or both" },
    {
      rule: "!has(self.floor) || !has(self.ceiling) || self.floor <= self.ceiling",
      message: "floor must not be greater than ceiling",
      fieldPath: ".floor"
    }
  )
})

export const fallback = Schema.Struct({
  afterSeconds: int("Seconds that a signal must have been missing.", 1, 86_400),
  replicas: int("Replicas to hold at least, meanwhile. Fewer than there are: nothing happens.", 0)
}).annotate({
  description:
    "What to do when a signal stays missing: raise to a safe count, never lower. It applies to signals with onMissing: Fallback, and to the default signals."
})

export const safety = Schema.Struct({
  rolloutGuard: Schema.optionalKey(
    described(
      Schema.Boolean,
      "Nothing is scaled down while the target rolls out, until its progress deadline. True when absent."
    )
  ),
  disruptionFloor: Schema.optionalKey(
    described(
      Schema.Boolean,
      "A PodDisruptionBudget's absolute minAvailable is a floor. Absent: true, but false with scaling.behavior."
    )
  ),
  rollback: Schema.optionalKey(
    described(
      Schema.Boolean,
      "A step down that breaks an objective within five minutes is undone, and down is blocked for 30 minutes. Absent: true, but false with scaling.behavior."
    )
  ),
  freezeOnFailingPods: Schema.optionalKey(
    described(
      Schema.Boolean,
      "While new pods stay unschedulable or crash beyond twice the startup time, nothing is scaled up further. True when absent."
    )
  )
}).annotate({ description: "Guards around every decision. All are on unless said otherwise." })

export const drainSeconds = above("Seconds within which a backlog must be worked off.", 0)

export const actuation = Schema.Struct({
  type: described(
    Schema.Literals(["Scale", "HPAFloor"]),
    "Scale writes replicas to the target's scale subresource. HPAFloor writes minReplicas of the HorizontalPodAutoscaler that owns the target, and puts the old value back when this object goes."
  ),
  name: Schema.optionalKey(text("Name of the HorizontalPodAutoscaler, with HPAFloor.", 253))
}).annotate({
  description: "How a decision is carried out. Absent: Scale.",
  ...rules({
    rule: "has(self.name) == (self.type == 'HPAFloor')",
    message: "type HPAFloor needs the name of an HPA, and type Scale takes none",
    fieldPath: ".name"
  })
})
