/**
 * The HPA with a look ahead, as predictive autoscalers add one to it: the larger of what it calculates and of what a
 * model of its own past answers predicts for when a pod that is ordered now is ready.
 */
import type { MakeRival } from "../Rival.ts"
import { hpaWith, SYNC_SECONDS } from "./hpa.ts"

const SAMPLES = 6

interface Sample {
  readonly second: number
  readonly replicas: number
}

/** Where the least-squares line of the samples is at a second. */
const lineAt = (samples: ReadonlyArray<Sample>, second: number): number => {
  const count = samples.length
  const meanX = samples.reduce((sum, one) => sum + one.second - second, 0) / count
  const meanY = samples.reduce((sum, one) => sum + one.replicas, 0) / count
  let [covariance, variance] = [0, 0]
  for (const one of samples) {
    covariance += (one.second - second - meanX) * (one.replicas - meanY)
    variance += (one.second - second - meanX) ** 2
  }
  return meanY - (variance > 0 ? covariance / variance : 0) * meanX
}

/** A straight line through the last six answers. */
export const predictiveLinear =
  (target: number): MakeRival =>
  (load) => {
    const ahead = load.workload.startupSeconds + SYNC_SECONDS
    let samples: Array<Sample> = []
    return hpaWith(target, ({ second }, replicas) => {
      samples = [...samples, { second, replicas }].slice(-SAMPLES)
      if (samples.length < 2) return replicas
      return Math.max(replicas, Math.ceil(lineAt(samples, second + ahead) - 1e-9))
    })(load)
  }

const STEP_SECONDS = 60
const DAY_SECONDS = 86_400
const [ALPHA, BETA, GAMMA] = [0.5, 0.05, 0.3]

/** Additive Holt-Winters over minutes, with the season of a day. */
export const predictiveSeasonal =
  (target: number, seasonSeconds = DAY_SECONDS): MakeRival =>
  (load) => {
    const season = Math.max(2, Math.trunc(seasonSeconds / STEP_SECONDS))
    const seasonal = new Float64Array(season)
    const ahead = Math.max(1, Math.ceil((load.workload.startupSeconds + SYNC_SECONDS) / STEP_SECONDS))
    let [steps, trend, next] = [0, 0, 0]
    let level: number | undefined
    const learn = (replicas: number) => {
      const place = steps % season
      const before = level ?? replicas
      const usual = steps >= season ? (seasonal[place] ?? 0) : 0
      level = ALPHA * (replicas - usual) + (1 - ALPHA) * (before + trend)
      trend = BETA * (level - before) + (1 - BETA) * trend
      seasonal[place] = steps >= season ? GAMMA * (replicas - level) + (1 - GAMMA) * usual : replicas - level
      steps += 1
    }
    return hpaWith(target, ({ second }, replicas) => {
      if (second >= next) {
        next += STEP_SECONDS
        learn(replicas)
      }
      if (steps <= 3 || level === undefined) return replicas
      const usual = steps > season ? (seasonal[(steps - 1 + ahead) % season] ?? 0) : 0
      return Math.max(replicas, Math.ceil(level + ahead * trend + usual))
    })(load)
  }
