// What only the live page has: columns, folds, gauges and plots.
extension PageStyle {
    static let live = """
        .columns { display: grid; gap: var(--space-l); align-items: start; grid-template-columns: minmax(0, 1fr); }
        @media (min-width: 60rem) { .columns { grid-template-columns: minmax(0, 5fr) minmax(0, 3fr); } }
        summary { min-height: var(--target); padding: var(--space-s) 0; cursor: pointer; color: var(--accent); }
        summary h3 { display: inline; color: var(--ink); }
        .story + .story { border-top: 1px solid var(--line); }
        .timeline { list-style: none; margin: 0; padding: 0; }
        .timeline > li { border-left: 2px solid var(--line); padding-left: var(--space-m); }
        .timeline .row { gap: 0 var(--space-s); }
        progress { width: 100%; height: 0.75rem; accent-color: var(--accent); }
        figure { margin: 0; }
        caption { text-align: left; }
        th .hint { display: block; }
        .outcomes td.number { white-space: nowrap; }
        .deliveries .button { align-self: center; }
        @media (max-width: 30rem) { .deliveries > li { grid-template-columns: minmax(0, 1fr); row-gap: var(--space-s); } }
        .outcomes th { font-weight: 400; color: var(--ink); font-size: var(--size-m); }
        .outcomes td.bars { width: 45%; padding-left: var(--space-m); vertical-align: middle; }
        .plot { display: block; width: 100%; height: auto; }
        .outcomes .plot { height: 1rem; }
        .plot .axis { stroke: var(--edge); stroke-width: 1; }
        .plot .limit { stroke: var(--danger); stroke-width: 2; stroke-dasharray: 6 4; }
        .plot .mark { stroke: var(--edge); stroke-width: 2; }
        .plot .band { fill: var(--line); }
        .plot .curve { fill: none; stroke: var(--accent); stroke-width: 3; stroke-linejoin: round; }
        .plot .bar { fill: var(--accent); }
        .plot .bar.bad { fill: var(--danger); }
        .plot .bar.warn { fill: var(--warn); }
        .plot .bar.good { fill: var(--good); }

        """
}
