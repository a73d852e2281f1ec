# Needs: the tables that the report shows.
# Makes: a page of each, which a browser shows and the report holds.

SOURCES_LABEL = "Conserved, or the line's own"


SHOWN_TABLES = list(shown_tables())


rule write_table_pages:
    """Write each table of the report as a page, from which the table can be downloaded."""
    input:
        [f"results/{table}.tsv" for table, *_ in SHOWN_TABLES],
    output:
        # One label each, and no two alike: of a second one the report may make a switch, which blanks the page
        # unless every result has both of its values; and a search puts the results of all categories together.
        [
            report(
                f"results/pages/{table}.html",
                category=category,
                caption=f"../report/{caption}.rst",
                labels={"result": label},
            )
            for table, category, caption, label in SHOWN_TABLES
        ],
    log:
        "logs/write_table_pages/pages.log",
    benchmark:
        "benchmarks/write_table_pages/pages.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(200),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.table_pages"),
        titles=[label for *_, label in SHOWN_TABLES],
    message:
        "Write the tables of the report as pages."
    shell:
        "cbat write_table_pages --tables {input} --titles {params.titles:q} --pages {output} > {log} 2>&1"
