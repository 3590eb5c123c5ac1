/** What a policy is made of and what it has learned; each part only where there is something to it. */
import type { ComponentChildren } from "preact"
import type { Detail } from "../api/shapes.ts"
import { now } from "./fleetState.ts"
import { duration, money, number, plural } from "./words.ts"

const Facts = ({
  facts,
  title
}: {
  readonly title: string
  readonly facts: ReadonlyArray<readonly [string, ComponentChildren]>
}) =>
  facts.length === 0 ? null : (
    <section>
      <h2>{title}</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )

const percent = (share: number): string => `${number(Math.round(share * 1000) / 10)} %`

const targetText = (target: NonNullable<Detail["signals"][number]["target"]>): string =>
  target.type === "Utilization"
    ? `${target.milli} %`
    : `${number(target.milli / 1000)}${target.type === "AverageValue" ? " per pod" : ""}`

const forecastFacts = ({ band, engine, errorMean, errors, points, unit }: NonNullable<Detail["forecast"]>) => {
  const last = points.at(-1)
  return [
    ["Engine", engine] as const,
    ...(last === undefined
      ? []
      : [
          [
            `${unit} in ${duration(last.at - now.value)}`,
            <span class="num">
              {number(last.value)}
              {band !== undefined && (
                <span class="dim">
                  {" "}
                  {number(last.value * (1 - Math.min(1, band)))}–{number(last.value * (1 + band))}
                </span>
              )}
            </span>
          ] as const
        ]),
    ...(errorMean === undefined
      ? [["Accuracy", "none has come due yet"] as const]
      : [
          ["Off by, on average", <span class="num">{percent(errorMean)}</span>] as const,
          ["Nine in ten within", <span class="num">{percent(band ?? 0)}</span>] as const,
          ["Judged by", plural(errors, "forecast")] as const
        ])
  ]
}

const learningFacts = ({ averageReward, epsilon, facts, steering, transitions }: NonNullable<Detail["learning"]>) => [
  ...(steering === undefined ? [] : [["Role", steering ? "steers" : "in shadow"] as const]),
  ...(epsilon === undefined ? [] : [["Epsilon", <span class="num">{number(epsilon)}</span>] as const]),
  ...(transitions === undefined ? [] : [["Transitions", <span class="num">{transitions}</span>] as const]),
  ...(averageReward === undefined
    ? []
    : [["Mean reward, 24 h", <span class="num">{number(averageReward)}</span>] as const]),
  ...facts.map(({ name, value }) => [name, <span class="num">{value}</span>] as const)
]

const costFacts = ({ atMaximum, hours, maxMonthly, perPodPerHour, spent }: NonNullable<Detail["cost"]>) => [
  [`Spent, last ${duration(hours * 3_600_000)}`, <span class="num">{money(spent)}</span>] as const,
  ["Saved against max", <span class="num">{money(atMaximum - spent)}</span>] as const,
  ["Per pod and hour", <span class="num">{perPodPerHour}</span>] as const,
  ...(maxMonthly === undefined ? [] : [["Budget a month", <span class="num">{money(maxMonthly)}</span>] as const])
]

export const PolicyAside = ({ detail }: { readonly detail: Detail }) => (
  <aside>
    <Facts
      title="Signals"
      facts={detail.signals.map(({ name, source, target }) => {
        const value = detail.row.signals.find((each) => each.name === name)
        return [
          name,
          <span>
            {value?.error === undefined ? null : <span class="bad">{value.error} </span>}
            <span class="dim">{source}</span>
            {target !== undefined && <span class="num"> held at {targetText(target)}</span>}
          </span>
        ] as const
      })}
    />
    <Facts
      title="Policy"
      facts={[
        ...(detail.engines.length === 0 ? [] : [["Engine", detail.engines.join(", ")] as const]),
        ...detail.facts.map(({ name, value }) => [name, value] as const)
      ]}
    />
    {detail.forecast !== undefined && <Facts title="Forecast" facts={forecastFacts(detail.forecast)} />}
    {detail.learning !== undefined && <Facts title="Q-learning" facts={learningFacts(detail.learning)} />}
    {detail.cost !== undefined && <Facts title="Cost" facts={costFacts(detail.cost)} />}
    <section>
      <h2>Conditions</h2>
      <ul class="conditions">
        {detail.conditions.map(({ message, reason, status, type }) => (
          <li title={message}>
            <span>{type}</span>{" "}
            <span class="dim">
              {status === "True" ? "" : `${status} · `}
              {reason}
            </span>
          </li>
        ))}
      </ul>
    </section>
  </aside>
)
