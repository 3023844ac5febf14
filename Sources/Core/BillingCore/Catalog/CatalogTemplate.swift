/// A catalog to start from, with the fields of every command that reads one (docs/contract/catalog.md, "Template").
package enum CatalogTemplate {
    /// The document, ending with a line feed; its lines are those of the contract, even the long ones.
    package static let text = """
        {
          "version": 1,
          "products": [
            {"id": "llm", "lookup_key": "bus_llm", "name": "LLM access"},
            {"id": "container", "lookup_key": "bus_container", "name": "Container runtime"}
          ],
          "prices": [
            {"lookup_key": "bus_llm_basic_eur_month", "product_lookup_key": "bus_llm", "plan_id": "llm-basic", "currency": "eur", "unit_amount": 1000, "interval": "month"},
            {"lookup_key": "bus_llm_pro_eur_month", "product_lookup_key": "bus_llm", "plan_id": "llm-pro", "currency": "eur", "unit_amount": 4900, "interval": "month"},
            {"lookup_key": "bus_container_basic_eur_month", "product_lookup_key": "bus_container", "plan_id": "container-basic", "currency": "eur", "unit_amount": 1500, "interval": "month"}
          ],
          "meters": [
            {"name": "bus_llm_tokens", "unit": "tokens", "lookup_key": "bus_llm_tokens", "display_name": "Bus LLM tokens", "event_name": "bus_llm_tokens",
             "aggregation_formula": "sum", "customer_mapping_type": "by_id", "customer_mapping_event_payload_key": "stripe_customer_id", "value_settings_event_payload_key": "value"},
            {"name": "bus_container_runtime_seconds", "unit": "seconds", "lookup_key": "bus_container_runtime_seconds", "display_name": "Bus container runtime seconds", "event_name": "bus_container_runtime_seconds",
             "aggregation_formula": "sum", "customer_mapping_type": "by_id", "customer_mapping_event_payload_key": "stripe_customer_id", "value_settings_event_payload_key": "value"}
          ],
          "plans": [
            {"id": "llm-basic", "product_id": "llm", "name": "LLM Basic", "features": ["llm:proxy"],
             "prices": [{"lookup_key": "bus_llm_basic_eur_month", "currency": "eur", "unit_amount": 1000, "interval": "month"}],
             "quotas": [
               {"feature": "llm:proxy", "meter_event_name": "bus_llm_tokens", "window": "minute", "limit": 20000, "upgrade_plan_id": "llm-pro"},
               {"feature": "llm:proxy", "meter_event_name": "bus_llm_tokens", "window": "month", "limit": 1000000, "upgrade_plan_id": "llm-pro"}]},
            {"id": "llm-pro", "product_id": "llm", "name": "LLM Pro", "features": ["llm:proxy"],
             "prices": [{"lookup_key": "bus_llm_pro_eur_month", "currency": "eur", "unit_amount": 4900, "interval": "month"}],
             "quotas": [{"feature": "llm:proxy", "meter_event_name": "bus_llm_tokens", "window": "month", "limit": 10000000}]},
            {"id": "container-basic", "product_id": "container", "name": "Container Basic", "features": ["container:read", "container:run", "container:delete"],
             "prices": [{"lookup_key": "bus_container_basic_eur_month", "currency": "eur", "unit_amount": 1500, "interval": "month"}],
             "quotas": [{"feature": "container:run", "meter_event_name": "bus_container_runtime_seconds", "window": "day", "limit": 3600}]}
          ]
        }

        """
}
