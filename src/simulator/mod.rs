//! A simulated Entra tenant: Graph and login. Shares no type with the rest.
