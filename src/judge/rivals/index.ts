/** Who a policy is compared with. One more rival is one more line here. */
import type { MakeRival } from "../Rival.ts"
import { hpa } from "./hpa.ts"
import { keda, kedaFast } from "./keda.ts"
import { kpa } from "./kpa.ts"
import { predictiveLinear, predictiveSeasonal } from "./predictiveHpa.ts"
import { staticPeak } from "./staticPeak.ts"

export interface RivalKind {
  readonly title: string
  /** `target`: the share of a pod that is to be used. */
  readonly make: (target: number) => MakeRival
}

/** What each of them uses where nothing is set. */
export const USUAL_TARGET = 0.7

export const RIVALS = {
  hpa: { title: "HPA", make: hpa },
  keda: { title: "KEDA", make: keda },
  kedaFast: { title: "KEDA fast", make: kedaFast },
  kpa: { title: "KPA", make: kpa },
  predictiveLinear: { title: "Predictive HPA, linear", make: predictiveLinear },
  predictiveSeasonal: { title: "Predictive HPA, seasonal", make: (target) => predictiveSeasonal(target) },
  static: { title: "Static peak", make: staticPeak }
} as const satisfies Readonly<Record<string, RivalKind>>

export type RivalName = keyof typeof RIVALS
