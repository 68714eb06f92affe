//! stub
pub fn kafka_brokers() -> Option<String> {
    std::env::var("KAFKA_BROKERS").ok()
}
