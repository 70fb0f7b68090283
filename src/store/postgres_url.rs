//! What a PostgreSQL URL means where it does not say: a server elsewhere must prove who it is, several
//! hosts are asked for the one that takes writes, and a server that is gone is noticed within seconds.
//!
//! Nothing here opens a connection. Called by `connection`.

use std::path::Path;

/// What is added where neither the URL nor libpq's variable says otherwise. The timeouts are in seconds,
/// but for `tcp_user_timeout`, which is in milliseconds.
const DEFAULTS: [(&str, Option<&str>, &str); 6] = [
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), "3"),
    ("keepalives_idle", None, "10"),
    ("keepalives_interval", None, "5"),
    ("keepalives_count", None, "3"),
    ("tcp_user_timeout", None, "10000"),
    ("fallback_application_name", None, "ehcp"),
];

/// Where systems keep the certificates of the authorities they trust. The OpenSSL built into this program
/// knows none of these places.
const SYSTEM_CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The URL with everything added that it leaves out. `variable` reads the environment, as libpq does.
pub(super) fn completed(url: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let options = Options::of(url);
    let hosts = options.hosts(url, &variable);
    let mut completed = url.to_owned();
    let mut add = |name: &str, value: &str| {
        let separator = match (completed.contains('?'), completed.ends_with(['?', '&'])) {
            (_, true) => "",
            (true, false) => "&",
            (false, false) => "?",
        };
        completed.push_str(&format!("{separator}{name}={value}"));
    };
    for (name, its_variable, value) in DEFAULTS {
        if options.get(name).is_none() && its_variable.is_none_or(|name| variable(name).is_none()) {
            add(name, value);
        }
    }
    if hosts.len() > 1
        && options.get("target_session_attrs").is_none()
        && variable("PGTARGETSESSIONATTRS").is_none()
    {
        add("target_session_attrs", "read-write");
    }
    // What a service file says of TLS cannot be seen here, and an option would overrule it.
    let is_service = options.get("service").is_some() || variable("PGSERVICE").is_some();
    let mode = options.get("sslmode").or(options.get("ssl")).map(str::to_owned);
    let mode = mode.or_else(|| variable("PGSSLMODE"));
    let roots = options.get("sslrootcert").map(str::to_owned);
    let roots = roots.or_else(|| variable("PGSSLROOTCERT"));
    let must_verify = mode.is_none() && !is_service && !hosts.iter().all(|host| is_this_machine(host));
    if must_verify {
        add("sslmode", "verify-full");
    }
    let verifies = must_verify || mode.as_deref() == Some("verify-full");
    let wants_system = roots.as_deref() == Some("system") || (roots.is_none() && must_verify);
    if wants_system {
        // The last of two options of the same name counts.
        let told_elsewhere = variable("SSL_CERT_FILE")
            .or_else(|| variable("SSL_CERT_DIR"))
            .is_some();
        let file = SYSTEM_CERTIFICATES.iter().find(|file| Path::new(file).exists());
        match file {
            Some(file) if verifies && !told_elsewhere => add("sslrootcert", file),
            Some(_) | None => add("sslrootcert", "system"),
        }
    }
    completed
}

/// The options of a URL, as they stand there.
struct Options<'u>(Vec<(&'u str, &'u str)>);

impl<'u> Options<'u> {
    fn of(url: &'u str) -> Options<'u> {
        let after_login = url.rfind('@').map_or(url, |at| &url[at..]);
        let options = after_login.split_once('?').map_or("", |(_, options)| options);
        Options(
            options
                .split('&')
                .filter_map(|option| option.split_once('='))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&'u str> {
        let found = self.0.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// The hosts, without their ports; an empty one is libpq's Unix socket.
    fn hosts(&self, url: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let in_options = self.get("host").or(self.get("hostaddr")).map(str::to_owned);
        let from_options = in_options.filter(|hosts| !hosts.is_empty());
        let server = url.split_once("://").map_or(url, |(_, rest)| rest);
        let server = server.split(['/', '?']).next().unwrap_or_default();
        let server = server.rsplit('@').next().unwrap_or_default();
        let from_server = Some(server.to_owned()).filter(|hosts| !hosts.is_empty());
        let hosts = from_options
            .or(from_server)
            .or_else(|| variable("PGHOST"))
            .unwrap_or_default();
        let decoded = hosts.replace("%2F", "/").replace("%2f", "/").replace("%2C", ",");
        decoded
            .split(',')
            .map(|host| without_port(host).to_owned())
            .collect()
    }
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None if host.matches(':').count() == 1 => host.split(':').next().unwrap_or_default(),
        None => host,
    }
}

/// Whether what is sent there stays on this machine: a Unix socket, or the loopback interface.
fn is_this_machine(host: &str) -> bool {
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    host.is_empty() || host.starts_with(['/', '@']) || host == "localhost" || is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(url: &str, variables: &[(&str, &str)]) -> String {
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
        completed(url, |name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    fn without_variables(url: &str) -> String {
        with(url, &[])
    }

    #[test]
    fn a_server_elsewhere_must_prove_who_it_is() {
        for url in [
            "postgres://db.example/ehcp",
            "postgres://ehcp:hush@db.example:5432/ehcp?application_name=x",
            "postgres://10.0.0.7/ehcp",
            "postgres://[2001:db8::7]:5432/ehcp",
            "postgres://localhost,db.example/ehcp",
            "postgres:///ehcp?host=db.example",
            "postgres://localhost/ehcp?host=db.example",
        ] {
            let completed = without_variables(url);
            assert!(completed.starts_with(url), "{completed}");
            assert!(
                completed.contains("sslmode=verify-full&sslrootcert="),
                "{completed}"
            );
        }
        assert!(with("postgres:///ehcp", &[("PGHOST", "db.example")]).contains("sslmode=verify-full"));
    }

    #[test]
    fn a_server_on_this_machine_need_not() {
        for url in [
            "postgres://localhost/ehcp",
            "postgres://ehcp@127.0.0.1:5432/ehcp",
            "postgres://[::1]:5432/ehcp",
            "postgres:///ehcp",
            "postgres://postgres@/postgres?host=/tmp/socket&port=5432",
            "postgres://%2Frun%2Fpostgresql/ehcp",
        ] {
            let completed = without_variables(url);
            assert!(!completed.contains("ssl"), "{completed}");
        }
    }

    #[test]
    fn what_is_said_is_left_as_it_is() {
        let url = "postgres://db.example/ehcp?sslmode=require&connect_timeout=9";
        let completed = without_variables(url);
        assert_eq!(completed.matches("sslmode").count(), 1, "{completed}");
        assert!(!completed.contains("sslrootcert"), "{completed}");
        assert_eq!(completed.matches("connect_timeout").count(), 1, "{completed}");
        let by_variable = with("postgres://db.example/ehcp", &[("PGSSLMODE", "require")]);
        assert!(!by_variable.contains("ssl"), "{by_variable}");
        let own_roots = without_variables("postgres://db.example/ehcp?sslrootcert=/etc/ours.pem");
        assert_eq!(own_roots.matches("sslrootcert").count(), 1, "{own_roots}");
        assert!(own_roots.contains("sslmode=verify-full"), "{own_roots}");
        let service = without_variables("postgres:///ehcp?service=ehcp");
        assert!(!service.contains("ssl"), "{service}");
    }

    #[test]
    fn the_system_s_authorities_are_found_where_the_system_keeps_them() {
        let url = "postgres://db.example/ehcp?sslmode=verify-full&sslrootcert=system";
        let expected = SYSTEM_CERTIFICATES.iter().find(|file| Path::new(file).exists());
        let expected = expected.copied().unwrap_or("system");
        assert!(without_variables(url).ends_with(&format!("&sslrootcert={expected}")));
        let told = with(url, &[("SSL_CERT_FILE", "/etc/ours.pem")]);
        assert!(told.ends_with("&sslrootcert=system"), "{told}");
        // libpq refuses a check that is weaker than the authorities deserve, and shall go on to.
        let weak = without_variables("postgres://db.example/ehcp?sslmode=require&sslrootcert=system");
        assert!(weak.ends_with("&sslrootcert=system"), "{weak}");
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes_is_wanted() {
        let two = without_variables("postgres://ehcp:hush@a.example:5432,b.example:5433/ehcp");
        assert!(two.contains("target_session_attrs=read-write"), "{two}");
        let told = without_variables("postgres://a.example,b.example/ehcp?target_session_attrs=primary");
        assert_eq!(told.matches("target_session_attrs").count(), 1, "{told}");
        assert!(!without_variables("postgres://a.example/ehcp").contains("target_session_attrs"));
    }

    #[test]
    fn options_are_joined_to_those_that_are_there() {
        assert!(
            without_variables("postgres://localhost/ehcp")
                .contains("/ehcp?connect_timeout=3&keepalives_idle=10&")
        );
        assert!(without_variables("postgres://localhost/ehcp?").contains("/ehcp?connect_timeout=3&"));
        assert!(without_variables("postgres://localhost/ehcp?user=x").contains("?user=x&connect_timeout=3&"));
    }
}
