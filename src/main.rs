fn main() {
    println!(
        "{}",
        ehcp_timeline::http::document()
            .to_pretty_json()
            .unwrap_or_default()
    );
}
