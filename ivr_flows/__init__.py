"""What is said in a call: a flow is data (YAML), the interpreter is code."""
