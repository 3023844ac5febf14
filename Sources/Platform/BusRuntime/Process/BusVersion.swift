/// The release all binaries of this package carry.
package enum BusVersion {
    /// Semantic version.
    package static let text = "0.1.0"
}
