"""The chain that a symbol goes through before it is bought, as gates that can be looked at one by one."""
