/// Flags people try to pass secrets with.
///
/// There are none, because everybody on the machine can read arguments.
enum SecretFlags {
    /// Each flag with what to use instead.
    static let remedies = [
        "--token": "set BUS_API_TOKEN or pass --token-file",
        "--api-token": "set BUS_API_TOKEN or pass --token-file",
        "--access-token": "set BUS_API_TOKEN or pass --token-file",
        "--operator-token": "set BUS_OPERATOR_TOKEN or pass --token-file",
        "--api-key": "set BUS_STRIPE_SECRET_KEY or pass --api-key-file",
        "--secret-key": "set BUS_STRIPE_SECRET_KEY or pass --api-key-file",
        "--stripe-api-key": "set BUS_STRIPE_SECRET_KEY or pass --api-key-file",
        "--stripe-secret-key": "set BUS_STRIPE_SECRET_KEY or pass --api-key-file",
        "--internal-key": "set BUS_OPERATOR_INTERNAL_KEY or pass --internal-key-file",
        "--hs256-secret": "set BUS_AUTH_HS256_SECRET or pass --hs256-secret-file",
        "--jwt-secret": "set BUS_AUTH_HS256_SECRET or pass --hs256-secret-file",
        "--secret": "set BUS_AUTH_HS256_SECRET or pass --hs256-secret-file",
        "--webhook-secret": "set BUS_STRIPE_WEBHOOK_SECRET for bus integration stripe",
        "--password": "put the secret into its variable or file",
    ]
}
