"""What the services need of the world. Adapters fulfil these; tests fulfil them with fakes that pass the same suites."""
