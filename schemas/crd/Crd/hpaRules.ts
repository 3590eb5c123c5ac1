/** How fast the HPA moves a target whose `behavior` does not say. */
import type { ScalingRules } from "#schemas/Policy"

export const HPA_UP: ScalingRules = {
  stabilizationSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 }
  ]
}
export const HPA_DOWN: ScalingRules = {
  stabilizationSeconds: 300,
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }]
}
