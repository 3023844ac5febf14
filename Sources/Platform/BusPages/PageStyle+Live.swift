// What only the live page has: columns, gauges and plots.
extension PageStyle {
    static let live = """
        .columns {
          display: grid; gap: var(--space-l); align-items: start;
          grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
        }
        .timeline { list-style: none; margin: 0; padding: 0; }
        .timeline > li { border-left: 2px solid var(--line); padding-left: var(--space-m); }
        progress { width: 100%; height: 0.75rem; accent-color: var(--accent); }
        figure { margin: 0; }
        .plot { width: 100%; height: auto; fill: var(--ink); font-size: 15px; }
        .plot .axis { stroke: var(--edge); stroke-width: 1; }
        .plot .limit { stroke: var(--danger); stroke-width: 2; stroke-dasharray: 6 4; }
        .plot .curve { fill: none; stroke: var(--accent); stroke-width: 3; stroke-linejoin: round; }
        .plot .bar { fill: var(--accent); }

        """
}
