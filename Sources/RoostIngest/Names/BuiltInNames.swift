extension NameSource {
    /// `names.yaml` as it was when this program was built.
    public static var builtInText: [UInt8] { PackageResources.names_yaml }
}
