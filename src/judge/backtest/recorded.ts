/** What ran there, as one who takes part: the replicas that a history recorded, under the same model. */
import type { MakeRival } from "../Rival.ts"
import type { Grid, Remembered } from "./history.ts"

export interface Recorded {
  readonly title: string
  readonly replicas: Float64Array
}

const isKnown = (values: Float64Array): boolean => values.some((value) => !Number.isNaN(value))

/** The HPA's own wish where there was one, else the replicas as they were; undefined: nobody recorded any. */
export const recordedOf = ({ hpa, ready, replicas }: Remembered): Recorded | undefined => {
  if (isKnown(hpa)) return { title: "The HPA that ran there", replicas: hpa }
  const as = isKnown(replicas) ? replicas : ready
  return isKnown(as) ? { title: "The replicas as they were", replicas: as } : undefined
}

/** A step without a record keeps what was. */
export const following =
  ({ replicas }: Recorded, { stepMillis }: Grid): MakeRival =>
  () => {
    const stepSeconds = stepMillis / 1000
    const first = replicas.find((value) => !Number.isNaN(value))
    return {
      intervalSeconds: stepSeconds,
      ...(first === undefined ? {} : { begins: first }),
      decide: ({ second }) => {
        const wanted = replicas[Math.floor(second / stepSeconds)] ?? Number.NaN
        return Number.isNaN(wanted) ? undefined : wanted
      }
    }
  }
