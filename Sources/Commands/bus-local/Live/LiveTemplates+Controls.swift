// What can be pressed on the live page.
extension LiveTemplates {
    static let controls = """
        {{^sandbox}}
        <section class="card stack" aria-labelledby="clock-title">
        <h2 id="clock-title">Stripe's test mode</h2>
        <p>A Stripe key is set, so pages and webhooks are Stripe's own. Clock, faults and scenarios need the offline
        Stripe: start without <code>BUS_STRIPE_SECRET_KEY</code>.</p>
        </section>
        {{/sandbox}}
        {{#sandbox}}
        <section class="card stack" aria-labelledby="clock-title">
        <h2 id="clock-title">Clock</h2>
        <div id="clock" class="stack tight" data-live>
        <dl class="facts">
        <dt>Stripe's, here</dt><dd><time datetime="{{worldMachine}}">{{worldNow}}</time> UTC</dd>
        <dt>This machine's</dt><dd>{{machineNow}} UTC</dd>
        </dl>
        {{#ahead}}<p>Stripe's clock is {{ahead}} ahead.</p>{{/ahead}}
        </div>
        <p class="hint">Renewals, trials and paid periods follow Stripe's clock. Quotas of a minute, an hour, a day, a week
        or a calendar month follow this machine's, so moving Stripe's does not begin them again.</p>
        <form class="row" method="post" action="/live/clock">
        <button class="button" name="advance" value="1h">1 hour on</button>
        <button class="button" name="advance" value="24h">1 day on</button>
        <button class="button" name="advance" value="31d">31 days on</button>
        </form>
        </section>
        <section class="card stack" aria-labelledby="scenarios-title">
        <h2 id="scenarios-title">Try what goes wrong</h2>
        <form method="post" action="/live/scenario">
        <ul class="stack">
        {{#scenarios}}
        <li class="stack tight">
        <button class="button full" name="scenario" value="{{name}}" aria-describedby="story-{{name}}">{{scenario}}</button>
        <p class="hint" id="story-{{name}}">{{story}}</p>
        </li>
        {{/scenarios}}
        </ul>
        </form>
        </section>
        <section class="card stack" aria-labelledby="faults-title">
        <h2 id="faults-title">Faults</h2>
        {{#dials}}
        <form class="stack" method="post" action="/live/faults">
        <div class="field"><label for="kind">Calls of Stripe's API meet</label>
        <select id="kind" name="kind"><option value="">nothing</option>\
        {{#kinds}}<option value="{{name}}"{{#chosen}} selected{{/chosen}}>{{name}}</option>{{/kinds}}</select></div>
        <div class="field"><label for="percent">in so many of 100 calls</label>
        <input id="percent" name="percent" type="number" min="0" max="100" value="{{percent}}"></div>
        <div class="field"><label for="delay">Webhooks wait up to so many seconds</label>
        <input id="delay" name="delay" type="number" min="0" max="60" value="{{delay}}"></div>
        <div class="field"><label for="duplicates">So many of 100 are sent twice</label>
        <input id="duplicates" name="duplicates" type="number" min="0" max="100" value="{{duplicates}}"></div>
        <div class="field"><label for="reorder">So many of 100 let later ones pass</label>
        <input id="reorder" name="reorder" type="number" min="0" max="100" value="{{reorder}}"></div>
        <div class="field"><label for="drop">So many of 100 are never sent</label>
        <input id="drop" name="drop" type="number" min="0" max="100" value="{{drop}}"></div>
        <p class="row"><button class="button main">Set these faults</button>
        <button class="button" name="reset" value="yes">None</button></p>
        </form>
        {{/dials}}
        </section>
        {{/sandbox}}
        """
}
