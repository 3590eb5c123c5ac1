/** Other bounds, targets or another engine, tried on the hours that are held: what would have been, and the YAML for it. */
import { useSignal } from "@preact/signals"
import type { Detail, WhatIfAnswer, WhatIfQuestion } from "../api/shapes.ts"
import { policyPath, post, words } from "./ask.ts"
import { Chart } from "./Chart.tsx"
import { whatIfData, whatIfOptions } from "./chartOptions.ts"
import { duration, number } from "./words.ts"

const numberIn = (form: FormData, name: string): number | undefined => {
  const text = form.get(name)
  return typeof text === "string" && text.trim() !== "" ? Number(text) : undefined
}

/** Only what is different from what runs. */
const questionOf = (form: FormData, { row, signals }: Detail, target: string | undefined): WhatIfQuestion => {
  const min = numberIn(form, "min")
  const max = numberIn(form, "max")
  const engine = form.get("engine")
  const others = signals.flatMap(({ name, target: held }) => {
    const given = numberIn(form, `signal:${name}`)
    if (given === undefined || held === undefined) return []
    const milli = held.type === "Utilization" ? Math.round(given) : Math.round(given * 1000)
    return milli === held.milli ? [] : [{ name, milli }]
  })
  return {
    ...(target === undefined ? {} : { target }),
    ...(min === undefined || min === row.min ? {} : { min }),
    ...(max === undefined || max === row.max ? {} : { max }),
    ...(typeof engine === "string" && engine !== "" ? { engine } : {}),
    ...(others.length === 0 ? {} : { signals: others })
  }
}

const Copy = ({ text }: { readonly text: string }) => {
  const done = useSignal("Copy")
  return (
    <button
      type="button"
      class="copy"
      onClick={() => {
        const told = (words: string) => {
          done.value = words
          setTimeout(() => (done.value = "Copy"), 2_000)
        }
        navigator.clipboard.writeText(text).then(
          () => told("Copied"),
          () => told("Select it by hand")
        )
      }}
    >
      {done.value}
    </button>
  )
}

const change = (from: number, to: number): string => {
  if (from === 0) return ""
  const percent = Math.round((to / from - 1) * 100)
  return percent === 0 ? "the same" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`
}

const Outcome = ({ answer, price }: { readonly answer: WhatIfAnswer; readonly price: number | undefined }) => {
  const first = answer.at[0] ?? 0
  const last = answer.at.at(-1) ?? first
  return (
    <div class="outcome" aria-live="polite">
      <dl class="figures">
        <div>
          <dt>Pod hours</dt>
          <dd class="num">
            {number(answer.recordedPodHours)} → <strong>{number(answer.podHours)}</strong>{" "}
            <span class="dim">{change(answer.recordedPodHours, answer.podHours)}</span>
          </dd>
        </div>
        <div>
          <dt>Changes of replicas</dt>
          <dd class="num">
            {answer.recordedChanges} → <strong>{answer.changes}</strong>
          </dd>
        </div>
        {price !== undefined && (
          <div>
            <dt>Cost</dt>
            <dd class="num">
              {number(answer.recordedPodHours * price)} → <strong>{number(answer.podHours * price)}</strong>
            </dd>
          </div>
        )}
        <div>
          <dt>Replayed</dt>
          <dd class="num">
            {answer.at.length} decisions, {duration(last - first)}
          </dd>
        </div>
      </dl>
      <Chart
        label="Replicas as they were, and as they would have been"
        height={200}
        data={whatIfData(answer)}
        options={whatIfOptions}
        shape="what-if"
      />
      <h3>What this takes for granted</h3>
      <ul class="assumptions">
        {answer.assumptions.map((each) => (
          <li>{each}</li>
        ))}
      </ul>
      {answer.yaml === "" ? (
        <p class="dim">Nothing is changed yet: this is the policy as it runs, replayed.</p>
      ) : (
        <>
          <h3>The YAML that makes it so</h3>
          <div class="code">
            <Copy text={answer.command} />
            <pre tabIndex={0} role="region" aria-label="YAML">
              {answer.command}
            </pre>
          </div>
        </>
      )}
    </div>
  )
}

export const WhatIf = ({ detail, target }: { readonly detail: Detail; readonly target: string | undefined }) => {
  const answer = useSignal<WhatIfAnswer | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const asking = useSignal(false)
  const { choices, cost, row, signals } = detail
  const held = signals.filter((signal) => signal.target !== undefined)
  const ask = (form: HTMLFormElement) => {
    asking.value = true
    post<WhatIfAnswer>(`${policyPath(row)}/what-if`, questionOf(new FormData(form), detail, target)).then(
      (said) => {
        answer.value = said
        problem.value = undefined
        asking.value = false
      },
      (error: unknown) => {
        problem.value = words(error)
        asking.value = false
      }
    )
  }
  return (
    <section class="what-if" aria-label="What if">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          ask(event.currentTarget)
        }}
      >
        <label>
          Min replicas
          <input
            name="min"
            type="number"
            min={0}
            step={1}
            defaultValue={row.min === undefined ? "" : String(row.min)}
          />
        </label>
        <label>
          Max replicas
          <input
            name="max"
            type="number"
            min={1}
            step={1}
            defaultValue={row.max === undefined ? "" : String(row.max)}
          />
        </label>
        {choices.length > 0 &&
          held.map(({ name, target: at }) =>
            at === undefined ? undefined : (
              <label>
                <span>
                  <bdi>{name}</bdi>
                  {at.type === "Utilization" ? " %" : at.type === "AverageValue" ? " per pod" : ""}
                </span>
                <input
                  name={`signal:${name}`}
                  type="number"
                  min={0}
                  step="any"
                  defaultValue={String(at.type === "Utilization" ? at.milli : at.milli / 1000)}
                />
              </label>
            )
          )}
        {choices.length > 0 && (
          <label>
            Engine
            <select name="engine">
              <option value="">as it is ({detail.engines.join(", ")})</option>
              {choices.map((engine) => (
                <option value={engine}>{engine}</option>
              ))}
            </select>
          </label>
        )}
        <button type="submit" class="primary" disabled={asking.value}>
          {asking.value ? "Replaying…" : "Replay"}
        </button>
      </form>
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {answer.value === undefined && problem.value === undefined && (
        <p class="dim">
          The decisions that are held are made again with these numbers, by the same code that made them. Nothing is
          changed.
        </p>
      )}
      {answer.value !== undefined && <Outcome answer={answer.value} price={cost?.perPodPerHour} />}
    </section>
  )
}
