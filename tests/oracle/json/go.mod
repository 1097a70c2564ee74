module migvet.io/tests/oracle

go 1.26
